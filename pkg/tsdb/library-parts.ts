// What `tributary/tsdb` gives besides `openBlock`, in Node and in a browser. For those who install the package; inside of it
// everyone imports the file that owns the thing.

export { Fault, type FaultKind, kindOf } from '../errors/fault.ts';
export type { Histogram, HistogramSample } from '../model/histogram.ts';
export { Labels } from '../model/labels.ts';
export { Matcher, type MatcherOp } from '../model/matcher.ts';
export type { SampleColumns } from '../storage/sample-columns.ts';
export type { BlockMeta } from './block-meta.ts';
export type { BlockSource } from './block-source.ts';
export { type BlockSeries, type MatcherLike, OpenBlock, type OpenOptions, type ReadOptions } from './open-block.ts';
export { type UrlOptions, UrlSource } from './url-source.ts';
