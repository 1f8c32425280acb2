// The hints inside Store requests and answers: block matchers in, block names and counts out.

import { type Any, packAny, unpackAny } from './any.ts';
import { codecOf, type Init } from './codec.ts';
import type * as hintspb from './generated/hintspb.ts';
import type { LabelMatcher } from './store-service.ts';

export type SeriesRequestHints = hintspb.SeriesRequestHints;
export type SeriesResponseHints = hintspb.SeriesResponseHints;

interface BlockMatchers {
  block_matchers: LabelMatcher[];
}

interface QueriedBlocks {
  queried_blocks: hintspb.Block[];
}

/** The kinds of call that carry hints; the messages are named after them. */
export type HintedCall = 'Series' | 'LabelNames' | 'LabelValues';

const requestCodecs = {
  Series: codecOf<BlockMatchers>('hintspb.SeriesRequestHints'),
  LabelNames: codecOf<BlockMatchers>('hintspb.LabelNamesRequestHints'),
  LabelValues: codecOf<BlockMatchers>('hintspb.LabelValuesRequestHints'),
};

const responseCodecs = {
  Series: codecOf<QueriedBlocks>('hintspb.SeriesResponseHints'),
  LabelNames: codecOf<QueriedBlocks>('hintspb.LabelNamesResponseHints'),
  LabelValues: codecOf<QueriedBlocks>('hintspb.LabelValuesResponseHints'),
};

/** The hints of a request that name blocks. */
export function packBlockMatchers(call: HintedCall, matchers: readonly Init<LabelMatcher>[]): Any {
  return packAny(`hintspb.${call}RequestHints`, requestCodecs[call], { block_matchers: matchers });
}

/** The block matchers of a request's hints. Throws `invalid` for hints of another type. */
export function unpackBlockMatchers(call: HintedCall, hints: Any): readonly LabelMatcher[] {
  return unpackAny(`hintspb.${call}RequestHints`, requestCodecs[call], hints).block_matchers;
}

/** The hints of an answer that name the blocks it came from. */
export function packQueriedBlocks(call: HintedCall, ulids: readonly string[]): Any {
  return packAny(`hintspb.${call}ResponseHints`, responseCodecs[call], { queried_blocks: ulids.map((id) => ({ id })) });
}

/** ULIDs of the blocks an answer came from. */
export function unpackQueriedBlocks(call: HintedCall, hints: Any): readonly string[] {
  return unpackAny(`hintspb.${call}ResponseHints`, responseCodecs[call], hints).queried_blocks.map(({ id }) => id);
}
