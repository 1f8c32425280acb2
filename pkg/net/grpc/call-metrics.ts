// What operators count about calls, under the names their dashboards know.

import type { Metrics } from '../../telemetry/metrics.ts';
import { CODE_NAMES, codeName } from './status.ts';

const HANDLING_BUCKETS = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120];
const METHOD_LABELS = ['grpc_service', 'grpc_method', 'grpc_type'] as const;
const CODE_LABELS = [...METHOD_LABELS, 'grpc_code'] as const;

export interface CallMetrics {
  /** Makes every code of a method visible before its first call. */
  declare(method: MethodName): void;
  /** Counts a call as begun; call what it returns once, with the code it ended with. */
  begin(method: MethodName): (code: number) => void;
  received(method: MethodName): void;
  sent(method: MethodName): void;
}

export interface MethodName {
  /** `/package.Service/Name`. */
  readonly path: string;
  readonly kind: 'unary' | 'server-stream';
}

/** The metrics of one side: `server` or `client`. */
export function callMetrics(metrics: Metrics, side: 'server' | 'client'): CallMetrics {
  const what = side === 'server' ? 'on the server' : 'on the client';
  const started = metrics.counter(`grpc_${side}_started_total`, `Total number of RPCs started ${what}.`, METHOD_LABELS);
  const handled = metrics.counter(
    `grpc_${side}_handled_total`,
    `Total number of RPCs completed ${what}, by code.`,
    CODE_LABELS,
  );
  const handling = metrics.histogram(
    `grpc_${side}_handling_seconds`,
    `Seconds an RPC took ${what}.`,
    HANDLING_BUCKETS,
    METHOD_LABELS,
  );
  const received = metrics.counter(
    `grpc_${side}_msg_received_total`,
    `Total number of messages received ${what}.`,
    METHOD_LABELS,
  );
  const sent = metrics.counter(`grpc_${side}_msg_sent_total`, `Total number of messages sent ${what}.`, METHOD_LABELS);
  // Children are looked up once for a method: finding one by its labels takes longer than counting.
  const known = new Map<string, MethodMeters>();
  const metersOf = (method: MethodName): MethodMeters => {
    const found = known.get(method.path);
    if (found !== undefined) return found;
    const labels = labelsOf(method);
    const handledAs = new Map<number, Countable>();
    const made: MethodMeters = {
      started: started.labels(labels),
      received: received.labels(labels),
      sent: sent.labels(labels),
      handling: handling.labels(labels),
      handled(code) {
        const child = handledAs.get(code) ?? handled.labels({ ...labels, grpc_code: codeName(code) });
        handledAs.set(code, child);
        return child;
      },
    };
    known.set(method.path, made);
    return made;
  };
  return {
    declare(method) {
      const labels = labelsOf(method);
      started.inc(labels, 0);
      received.inc(labels, 0);
      sent.inc(labels, 0);
      handling.zero(labels);
      for (const grpc_code of CODE_NAMES) handled.inc({ ...labels, grpc_code }, 0);
    },
    begin(method) {
      const meters = metersOf(method);
      const begun = performance.now();
      meters.started.inc();
      return (code) => {
        meters.handled(code).inc();
        meters.handling.observe((performance.now() - begun) / 1000);
      };
    },
    received(method) {
      metersOf(method).received.inc();
    },
    sent(method) {
      metersOf(method).sent.inc();
    },
  };
}

interface Countable {
  inc(): void;
}

interface MethodMeters {
  readonly started: Countable;
  readonly received: Countable;
  readonly sent: Countable;
  readonly handling: { observe(seconds: number): void };
  handled(code: number): Countable;
}

function labelsOf(method: MethodName): Record<(typeof METHOD_LABELS)[number], string> {
  const [, service, name] = method.path.split('/');
  return {
    grpc_service: service,
    grpc_method: name,
    grpc_type: method.kind === 'unary' ? 'unary' : 'server_stream',
  };
}
