// A plan, and what a run of it did, as a tree of plain values: `[operator] details` as Thanos' page shows it, and beside it
// what we know of fetches.

import { printDuration } from '../model/duration.ts';
import type { Matcher } from '../model/matcher.ts';
import type { EndpointReport } from '../storage/series.ts';
import { print } from './parser/print.ts';
import { childrenOf, type Grouping, type PlanNode, type Select, type WindowSource } from './plan/node.ts';
import type { OperatorMeter, Profile } from './profile.ts';

export interface ExplainedNode {
  readonly name: string;
  readonly select?: ExplainedSelect;
  readonly children?: readonly ExplainedNode[];
}

/** What an operator fetches, with the hints that travel to the stores. Times in ms, both inclusive. */
export interface ExplainedSelect {
  readonly matchers: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly func: string;
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly grouping: readonly string[];
  readonly by: boolean;
  /** Another selector of the query fetches the same, and they are fetched once. */
  readonly shared: boolean;
}

/** A node of `analysis`: zero values are left out. */
export interface AnalyzedNode {
  readonly name: string;
  readonly executionTime?: string;
  readonly peakSamples?: number;
  readonly totalSamples?: number;
  readonly totalTimeMs?: number;
  readonly selfTimeMs?: number;
  readonly series?: number;
  readonly batches?: number;
  readonly peakBytes?: number;
  readonly fetch?: { readonly series: number; readonly samples: number; readonly bytes: number };
  readonly fanout?: readonly EndpointAnalysis[];
  readonly children?: readonly AnalyzedNode[];
}

export interface EndpointAnalysis {
  readonly endpointAddr: string;
  readonly duration: string;
  readonly bytesProcessed: number;
  readonly numResponses: number;
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
  readonly error?: string;
}

/** The plan as it would be run. */
export function explain(node: PlanNode): ExplainedNode {
  const children = childrenOf(node).map(explain);
  const select = selectOf(node);
  return {
    name: nameOf(node),
    ...(select === undefined ? {} : { select: explainSelect(select) }),
    ...(children.length === 0 ? {} : { children }),
  };
}

/** The plan as it was run. */
export function analyze(node: PlanNode, profile: Profile): AnalyzedNode {
  const children = childrenOf(node).map((child) => analyze(child, profile));
  const name = nameOf(node);
  const meter = profile.found(node);
  const measured = meter === undefined ? {} : measuredOf(meter, children);
  return { name, ...measured, ...(children.length === 0 ? {} : { children }) };
}

/** Matchers as a selector: `{__name__="up", job=~"a.*"}`. */
export function printMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.join(', ')}}`;
}

/** As Go prints a duration: `1.5ms`, `2m3.25s`. */
export function printGoDuration(ms: number): string {
  const ns = Math.round(ms * 1e6);
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1e3}µs`;
  if (ns < 1e9) return `${ns / 1e6}ms`;
  const seconds = ns / 1e9;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  const rest = `${Number((seconds % 60).toFixed(9))}s`;
  return minutes < 60 ? `${minutes}m${rest}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}`;
}

function measuredOf(meter: OperatorMeter, children: readonly AnalyzedNode[]): Omit<AnalyzedNode, 'name'> {
  const below = children.reduce((sum, { totalTimeMs = 0 }) => sum + totalTimeMs, 0);
  const { select, endpoints } = meter;
  return {
    ...(meter.totalMs === 0 ? {} : { executionTime: printGoDuration(meter.totalMs) }),
    ...unlessZero({
      peakSamples: meter.samples?.peak ?? 0,
      totalSamples: meter.samples?.total ?? 0,
      totalTimeMs: rounded(meter.totalMs),
      selfTimeMs: rounded(Math.max(0, meter.totalMs - below)),
      series: meter.seriesCount,
      batches: meter.batchCount,
      peakBytes: meter.bytes?.peakBytes ?? 0,
    }),
    ...(select === undefined
      ? {}
      : { fetch: { series: select.seriesCount, samples: select.sampleCount, bytes: select.fetchedBytes } }),
    ...(endpoints.length === 0 ? {} : { fanout: endpoints.map(endpointAnalysis) }),
  };
}

function endpointAnalysis(report: EndpointReport): EndpointAnalysis {
  const { endpoint, durationMs, bytes, responses, series, chunks, samples, error } = report;
  return {
    endpointAddr: endpoint,
    duration: printGoDuration(durationMs),
    bytesProcessed: bytes,
    numResponses: responses,
    series,
    chunks,
    samples,
    ...(error === undefined ? {} : { error }),
  };
}

function unlessZero<T extends Readonly<Record<string, number>>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0)) as Partial<T>;
}

/** To a microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function explainSelect({ matchers, hints, shared: sharing }: Select): ExplainedSelect {
  const { minTime, maxTime, func, rangeMs, stepMs, grouping, by } = hints;
  const shared = sharing !== undefined;
  return { matchers: printMatchers(matchers), minTime, maxTime, func, rangeMs, stepMs, grouping, by, shared };
}

function selectOf(node: PlanNode): Select | undefined {
  if (node.kind === 'select') return node.select;
  const source = sourceOf(node);
  return source?.kind === 'selector' ? source.select : undefined;
}

function sourceOf(node: PlanNode): WindowSource | undefined {
  return 'source' in node && typeof node.source === 'object' ? node.source : undefined;
}

function nameOf(node: PlanNode): string {
  const source = sourceOf(node);
  if (source !== undefined) {
    const func = 'func' in node ? node.func : node.kind === 'matrix' ? '' : 'absent_over_time';
    if (source.kind === 'subquery') {
      const window = `[${printDuration(source.rangeMs)}:${printDuration(source.stepMs)}]${moved(source)}`;
      return `[subquery] ${func}(${window})`;
    }
    const { select, rangeMs } = source;
    const text = `${printMatchers(select.matchers)}[${printDuration(rangeMs)}]${moved(select)}`;
    return `[matrixSelector] ${func === '' ? text : `${func}(${text})`}`;
  }
  switch (node.kind) {
    case 'number':
      return `[numberLiteral] ${print({ kind: 'number', value: node.value, span: nowhere })}`;
    case 'string':
      return `[stringLiteral] ${print({ kind: 'string', value: node.value, span: nowhere })}`;
    case 'time':
      return '[noArgFunction] time()';
    case 'select': {
      const text = `${printMatchers(node.select.matchers)}${moved(node.select)}`;
      return `[vectorSelector] ${node.value === 'timestamp' ? `timestamp(${text})` : text}`;
    }
    case 'negate':
      return '[unaryNegation]';
    case 'scalar-scalar':
      return `[scalarBinary] ${node.op}`;
    case 'vector-scalar':
      return `[vectorScalarBinary] ${node.op}${node.bool ? ' bool' : ''}`;
    case 'vector-vector':
    case 'set': {
      const { card, on, labels, include } = node.matching;
      const bool = node.kind === 'vector-vector' && node.bool ? ' bool' : '';
      const how = `${on ? 'on' : 'ignoring'}: [${labels.join(' ')}], group: [${include.join(' ')}]`;
      return `[vectorBinary] ${node.op}${bool} - ${card}, ${how}`;
    }
    case 'fold':
      return `[aggregate] ${node.op} ${grouped(node.grouping)}`;
    case 'rank':
      return `[kaggregate] ${node.op} ${grouped(node.grouping)}`;
    case 'count-values':
      return `[countValues] ${grouped(node.grouping)} - param (${node.label})`;
    case 'pointwise':
      return `[function] ${node.func}()`;
    case 'once':
      return '[stepInvariant]';
    default:
      return `[function] ${(functionNames[node.kind] ?? node.kind).replaceAll('-', '_')}()`;
  }
}

/** Where a node's kind is not the function's name. */
const functionNames: Readonly<Record<string, string>> = {
  'step-time': 'timestamp',
  'to-scalar': 'scalar',
  'to-vector': 'vector',
};

const nowhere = { start: 0, end: 0 };

function grouped({ labels, without }: Grouping): string {
  return `${without ? 'without' : 'by'} ([${labels.join(' ')}])`;
}

function moved({ atMs, offsetMs }: { readonly atMs: number | undefined; readonly offsetMs: number }): string {
  const at = atMs === undefined ? '' : ` @ ${(atMs / 1000).toFixed(3)}`;
  return `${at}${offsetMs === 0 ? '' : ` offset ${printDuration(offsetMs)}`}`;
}
