// Recorded gRPC calls sent again, and answers in a form in which equal answers are equal.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { Fault } from '../../pkg/errors/fault.ts';
import type { GrpcClient } from '../../pkg/net/grpc/client.ts';
import { codeName, codeOf } from '../../pkg/net/grpc/status.ts';
import { rawCodec } from '../../pkg/proto/codec.ts';
import type { GoldenCall } from '../../pkg/proto/golden-calls.ts';
import { infoMethod } from '../../pkg/proto/info-service.ts';
import { numberOf } from '../../pkg/proto/int64.ts';
import { labelsOf } from '../../pkg/proto/labels.ts';
import type { Method } from '../../pkg/proto/method.ts';
import {
  labelNamesMethod,
  labelValuesMethod,
  seriesMethod,
  seriesResponseCodec,
} from '../../pkg/proto/store-service.ts';
import { infoOf } from '../../pkg/store/info.ts';

export interface PlainAnswer {
  /** A code's name. */
  readonly code: string;
  readonly message: string;
  readonly content: readonly unknown[];
}

/** Sends the bytes that were recorded and reads whatever comes. */
export async function sendCall(client: GrpcClient, call: GoldenCall): Promise<PlainAnswer> {
  const method: Method<Uint8Array, Uint8Array, Uint8Array, Uint8Array> = {
    path: call.method,
    kind: call.method === seriesMethod.path ? 'server-stream' : 'unary',
    request: rawCodec,
    response: rawCodec,
  };
  try {
    const frames: Uint8Array[] = [];
    if (method.kind === 'unary') frames.push(await client.unary(backgroundRequest(), method, call.requestBytes));
    else for await (const frame of client.stream(backgroundRequest(), method, call.requestBytes)) frames.push(frame);
    return { code: 'OK', message: '', content: plainAnswer(call.method, frames) };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { code: codeName(codeOf(thrown)), message: thrown.message, content: [] };
  }
}

/** What counts of an answer: not how it is batched, chunk hashes, and the order of hints and of announced label sets. */
export function plainAnswer(method: string, frames: readonly Uint8Array[]): readonly unknown[] {
  switch (method) {
    case infoMethod.path:
      return frames.map(plainInfo);
    case labelNamesMethod.path:
      return frames.map((frame) => {
        const { names, warnings } = labelNamesMethod.response.decode(frame);
        return { names, warnings };
      });
    case labelValuesMethod.path:
      return frames.map((frame) => {
        const { values, warnings } = labelValuesMethod.response.decode(frame);
        return { values, warnings };
      });
    default:
      return plainSeries(frames);
  }
}

function plainInfo(frame: Uint8Array): unknown {
  const { component, labelSets, store } = infoOf(infoMethod.response.decode(frame));
  const tsdbInfos = store?.tsdbInfos.map(({ labels, ...rest }) => `${labels} ${JSON.stringify(rest)}`).sort();
  return { component, labelSets: labelSets.map(String).sort(), store: { ...store, tsdbInfos } };
}

interface PlainSeries {
  readonly labels: string;
  readonly chunks: unknown[];
}

/** Neighbouring messages of one series are one series. */
function plainSeries(frames: readonly Uint8Array[]): PlainSeries[] {
  const out: PlainSeries[] = [];
  for (const frame of frames) {
    const { result, series, batch, warning } = seriesResponseCodec.decode(frame);
    if (result === 'warning') out.push({ labels: `warning: ${warning}`, chunks: [] });
    for (const one of [...(series === null ? [] : [series]), ...(batch?.series ?? [])]) {
      const labels = String(labelsOf(one.labels));
      const chunks = one.chunks.flatMap((chunk) => {
        const parts = [chunk.raw, chunk.count, chunk.sum, chunk.min, chunk.max, chunk.counter];
        return parts.flatMap((part, aggregate) => {
          if (part === null) return [];
          const { type, data } = part;
          const times = [numberOf(chunk.min_time), numberOf(chunk.max_time)];
          return [[...times, aggregate, type, Buffer.from(data).toString('base64')].join(' ')];
        });
      });
      const last = out.at(-1);
      if (last?.labels === labels) last.chunks.push(...chunks);
      else out.push({ labels, chunks });
    }
  }
  return out;
}
