// `import { Engine } from 'tributary/promql'`, in Node and in a browser: queries over anything that holds series. For those
// who install the package; inside of it everyone imports the file that owns the thing.

export { backgroundRequest, type RequestContext } from '../async/request.ts';
export { Fault, type FaultKind, kindOf } from '../errors/fault.ts';
export type { HistogramValue } from '../model/histogram-value.ts';
export { Labels } from '../model/labels.ts';
export { Matcher, type MatcherOp } from '../model/matcher.ts';
export type { HistogramPoints, MatrixSeries, MatrixValue, Value, VectorSample, VectorValue } from '../model/value.ts';
export type { SelectHints } from '../storage/hints.ts';
export type { LabelAnswer, LabelQuery, Queryable } from '../storage/querier.ts';
export { SampleBuffer, type SampleColumns } from '../storage/sample-columns.ts';
export type { Series, SeriesSet } from '../storage/series.ts';
export { Engine, type EngineConfig, type QueryResult } from './engine.ts';
export type { Expression } from './parser/ast.ts';
export { type ParseOptions, parse, parseSelector } from './parser/parse.ts';
export { prettify } from './parser/pretty.ts';
export { print } from './parser/print.ts';
export { type TreeJson, treeJson } from './parser/tree-json.ts';
export type { InstantSpec, RangeSpec } from './query-spec.ts';
export { printResult } from './result-json.ts';
export { type ReadableSeries, SeriesQueryable, type SeriesReader } from './series-queryable.ts';
