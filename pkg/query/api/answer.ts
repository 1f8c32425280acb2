// A query's result as an answer of the API: `{"resultType":...,"result":...,"stats":...,"analysis":...}`, streamed.

import type { Value } from '../../model/value.ts';
import type { ApiAnswer } from '../../net/http/api.ts';
import { apiJson, escapeJson } from '../../net/http/api.ts';
import type { QueryResult } from '../../promql/engine.ts';
import { printResult } from '../../promql/result-json.ts';

export const TRUNCATED = 'results truncated due to limit';

const NOT_ANALYZABLE = "Query not analyzable; change engine to 'thanos'.";

export interface AnswerOptions {
  /** 0 keeps every series. */
  readonly limit: number;
  readonly withStats: boolean;
  /** The request wanted an analysis, which the result may have none of. */
  readonly asksAnalysis: boolean;
}

/** Infos travel as warnings too: clients of the reference look for them there. */
export function answerOf(result: QueryResult, options: AnswerOptions): ApiAnswer {
  const { analysis } = result;
  const { value, isTruncated } = truncated(result.value, options.limit);
  const warnings = [
    ...result.warnings,
    ...result.infos,
    ...(isTruncated ? [TRUNCATED] : []),
    ...(options.asksAnalysis && analysis === undefined ? [NOT_ANALYZABLE] : []),
  ];
  const stats = options.withStats ? `,"stats":${apiJson(result.stats)}` : '';
  const tail = `${stats},"analysis":${apiJson(analysis ?? {})}}`;
  return { chunks: resultChunks(value, tail), warnings, infos: result.infos };
}

function* resultChunks(value: Value, tail: string): Generator<string> {
  yield `{"resultType":"${value.kind}","result":`;
  for (const chunk of printResult(value)) yield escapeJson(chunk);
  yield tail;
}

function truncated(value: Value, limit: number): { value: Value; isTruncated: boolean } {
  if (limit > 0 && value.kind === 'vector' && value.samples.length > limit) {
    return { value: { ...value, samples: value.samples.slice(0, limit) }, isTruncated: true };
  }
  if (limit > 0 && value.kind === 'matrix' && value.series.length > limit) {
    return { value: { ...value, series: value.series.slice(0, limit) }, isTruncated: true };
  }
  return { value, isTruncated: false };
}
