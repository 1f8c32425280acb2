// /api/v1/status/tsdb: what the heads of all endpoints that tell hold most of, together.

import type { RequestContext } from '../../async/request.ts';
import { Fault, messageOf } from '../../errors/fault.ts';
import { labelSetsText } from '../../model/external-labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { int64Text } from '../../model/time.ts';
import { type ApiAnswer, type ApiRequest, apiJson } from '../../net/http/api.ts';
import { boolParameter } from '../../net/http/params.ts';
import { parseSelector } from '../../promql/parser/parse.ts';
import {
  mergedStatistics,
  statisticLists,
  type TsdbStatisticsAnswer,
  type TsdbStatisticsQuery,
} from '../../store/tsdb-statistics.ts';

/** An endpoint that has the Status API. */
export interface StatusEndpoint {
  readonly address: string;
  readonly labelSets: readonly Labels[];
  statistics(request: RequestContext, query: TsdbStatisticsQuery): Promise<TsdbStatisticsAnswer>;
}

export interface TsdbStatusDeps {
  readonly statusEndpoints: () => readonly StatusEndpoint[];
}

const DEFAULT_LIMIT = 10;
/** Endpoints that know of no limit send what they have. */
const MOST_ROWS = 10_000;

/** An endpoint that fails is a warning, or with `partial_response=false` the end of it. */
export async function handleTsdbStatus(
  deps: TsdbStatusDeps,
  config: { readonly partialResponse: boolean },
  { parameters, context }: ApiRequest,
): Promise<ApiAnswer> {
  const limit = limitOf(parameters.text('limit'));
  const isPartial = boolParameter(parameters, 'partial_response', config.partialResponse);
  const matchers = parameters.list('match[]').flatMap(parseSelector);
  const endpoints = deps.statusEndpoints().filter(({ labelSets }) => canMatch(labelSets, matchers));
  const answers = await Promise.all(
    endpoints.map(async (endpoint): Promise<TsdbStatisticsAnswer> => {
      try {
        return await endpoint.statistics(context, { limit, matchers });
      } catch (thrown) {
        if (context.signal.aborted) throw thrown;
        const text = `fetching tsdb statistics from ${endpoint.address} ${labelSetsText(endpoint.labelSets)}: ${messageOf(thrown)}`;
        if (!isPartial) throw new Fault('execution', text, { cause: thrown });
        return { databases: [], warnings: [text] };
      }
    }),
  );
  const statistics = mergedStatistics(
    answers.flatMap(({ databases }) => databases),
    limit,
  );
  const { numSeries, numLabelPairs, chunkCount, minTime, maxTime } = statistics.headStats;
  const head = apiJson({ numSeries, numLabelPairs, chunkCount });
  const lists = statisticLists.map((name) => `"${name}":${apiJson(statistics[name])}`);
  return {
    chunks: [
      `{"headStats":${head.slice(0, -1)},"minTime":${int64Text(minTime)},"maxTime":${int64Text(maxTime)}},${lists.join(',')}}`,
    ],
    warnings: answers.flatMap(({ warnings }) => warnings),
  };
}

/** 0 and nothing are the default. */
function limitOf(text: string): number {
  if (text === '') return DEFAULT_LIMIT;
  if (/^-\d+$/.test(text)) throw new Fault('invalid', 'limit must be non-negative');
  if (!/^\d{1,9}$/.test(text)) throw new Fault('invalid', `cannot parse ${JSON.stringify(text)} to a valid limit`);
  return Math.min(Number(text) || DEFAULT_LIMIT, MOST_ROWS);
}

function canMatch(labelSets: readonly Labels[], matchers: readonly Matcher[]): boolean {
  if (labelSets.length === 0) return true;
  return labelSets.some((labels) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name))));
}
