// Vector with vector: the side that must be unique is hashed by match group, the other side streams past it.
//
// What is unique or ambiguous is decided step by step, as if every step were a query of its own: two series of a match
// group that never have a value at the same step do not collide, and their results are one series.

import { compareUtf8 } from '../../bytes/compare.ts';
import { Fault } from '../../errors/fault.ts';
import type { Labels } from '../../model/labels.ts';
import {
  type ArithmeticOp,
  arithmetic,
  type ComparisonOp,
  comparison,
  isTrim,
  type TrimOp,
} from '../functions/binary-ops.ts';
import { combineHistograms } from '../functions/histogram-binary.ts';
import { incompatibleSamples } from '../functions/histogram-notes.ts';
import { floatsOf, newStepColumn, type StepColumn, setHistogram } from '../functions/step-column.ts';
import type { Notes } from '../functions/windows.ts';
import type { VectorMatching } from '../parser/ast.ts';
import { isComparison } from '../plan/fold-constants.ts';
import { hasValue, inBatches } from './batches.ts';
import { Filler } from './fill.ts';
import { valuesOf } from './kept.ts';
import { Columns } from './lent-columns.ts';
import { MatchKey, ResultLabels } from './match-key.ts';
import { notesAt } from './matrix-selector.ts';
import { UniqueColumns, withoutName } from './names.ts';
import type { Batches, ColumnUse, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';

export interface BinaryVectorConfig {
  readonly op: ArithmeticOp | ComparisonOp | TrimOp;
  readonly bool: boolean;
  readonly matching: VectorMatching;
  readonly stepCount: number;
  /** No two series of the many side can have results of equal labels, so each result is done when its series is. */
  readonly streams: boolean;
  /** Where annotations point to. */
  readonly position: number;
}

/** One match group. */
interface MatchGroup {
  readonly ones: SeriesColumn[];
  /** Steps that have their one match already; only for one-to-one matching. */
  taken: Uint8Array | undefined;
  /** The same by result labels; only for many-to-one matching. */
  takenByLabels: Map<string, Uint8Array> | undefined;
}

/** What is known once the one side has been read. */
interface OneSide {
  readonly groups: ReadonlyMap<string, MatchGroup>;
  readonly matchKey: MatchKey;
  readonly clashes: Clashes;
  readonly turns: Turns;
}

export class BinaryVectorOperator implements Operator {
  readonly #many: Operator;
  readonly #one: Operator;
  readonly #config: BinaryVectorConfig;
  readonly #evaluation: Evaluation;
  readonly #compute: StepFunction;
  readonly #computeHistograms: StepFunction;
  readonly #result: ResultLabels;
  readonly #notes: LastNotes;

  constructor(left: Operator, right: Operator, config: BinaryVectorConfig, evaluation: Evaluation) {
    const isSwapped = config.matching.card === 'one-to-many';
    this.#many = isSwapped ? right : left;
    this.#one = isSwapped ? left : right;
    this.#config = config;
    this.#evaluation = evaluation;
    this.#compute = stepFunction(config.op, config.bool, isSwapped);
    this.#notes = new LastNotes(notesAt(evaluation, config.position));
    this.#computeHistograms = histogramFunction(config, isSwapped, this.#notes);
    this.#result = new ResultLabels(config.matching, !isComparison(config.op) && !isTrim(config.op));
  }

  async *run(use: ColumnUse = 'kept'): Batches {
    const { matching, stepCount, streams } = this.#config;
    const { samples } = this.#evaluation;
    const matchKey = new MatchKey(matching);
    const groups = new Map<string, MatchGroup>();
    const clashes = new Clashes(matching, stepCount);
    const turns = new Turns(this.#evaluation);
    let held = 0;
    for await (const batch of this.#one.run()) {
      for (const series of batch) {
        const key = matchKey.of(series.labels);
        const group = groups.get(key);
        if (group === undefined) {
          groups.set(key, { ones: [series], taken: undefined, takenByLabels: undefined });
        } else {
          const pause = turns.after(group.ones.length * stepCount);
          if (pause !== undefined) await pause;
          clashes.note(group.ones, series);
          group.ones.push(series);
        }
        held += stepCount;
        samples.hold(stepCount);
      }
    }
    if (streams) {
      yield* this.#streamed({ groups, matchKey, clashes, turns }, use);
      this.#notes.tell();
      samples.hold(-held);
      return;
    }
    // Results may have to be merged over steps, so they are kept until the end.
    const results = new UniqueColumns();
    const filler = matching.fill === undefined ? undefined : new Filler<MatchGroup>(matching, stepCount);
    // With something to fill in, the side that must be unique is looked at also where the other one has nothing.
    if (filler !== undefined) clashes.checkAll();
    for await (const batch of this.#many.run('passing')) {
      for (const series of batch) {
        clashes.check(series.column);
        const key = matchKey.of(series.labels);
        let group = groups.get(key);
        if (group === undefined && filler !== undefined) {
          groups.set(key, (group = { ones: [], taken: undefined, takenByLabels: undefined }));
        }
        if (group === undefined) continue;
        const pair = filler?.ofMany(series, group.ones);
        if (pair !== undefined) this.#join(pair.many, pair.one, group, results);
        for (const one of group.ones) {
          const pause = turns.after(4 * stepCount);
          if (pause !== undefined) await pause;
          const matched = this.#join(series, one, group, results);
          filler?.matched(group, matched, one.column);
        }
      }
    }
    if (filler !== undefined) this.#fill(filler, groups.values(), clashes, results);
    this.#notes.tell();
    yield* inBatches(results.series());
    samples.hold(-held);
  }

  /** The matches of the one side of a series never share a step with it, or they clash: its result is made of all of them. */
  async *#streamed({ groups, matchKey, clashes, turns }: OneSide, use: ColumnUse): Batches {
    const { stepCount } = this.#config;
    const columns = new Columns(stepCount, use);
    for await (const batch of this.#many.run('passing')) {
      let out: SeriesColumn[] = [];
      let valueCount = 0;
      for (const many of batch) {
        clashes.check(many.column);
        const group = groups.get(matchKey.of(many.labels));
        if (group === undefined) continue;
        const column = columns.take();
        for (const one of group.ones) {
          const pause = turns.after(4 * stepCount);
          if (pause !== undefined) await pause;
          this.#combine(many.column, one.column, column);
        }
        if (!hasValue(column)) {
          columns.putBack();
          continue;
        }
        const { labels, dropName } = this.#named(this.#result.of(many.labels, group.ones[0].labels));
        out.push({ labels, column, dropName });
        valueCount += valuesOf(column);
        if (!columns.isFull(valueCount)) continue;
        yield out;
        columns.reuse();
        out = [];
        valueCount = 0;
      }
      if (out.length > 0) yield out;
      columns.reuse();
    }
  }

  /** Fills steps that both columns have. Gives the steps of the many side that are a match. */
  #combine(many: StepColumn, one: StepColumn, out: StepColumn): StepColumn {
    if (many.histograms === undefined && one.histograms === undefined && !isTrim(this.#config.op)) {
      this.#compute(many, one, out);
      return many;
    }
    // A pair that the operator is not for is no match; a filter's is, whatever comes of it.
    const matched = { ...many, present: many.present.slice() };
    this.#computeHistograms(matched, one, out);
    return matched;
  }

  #named(labels: Labels): Pick<SeriesColumn, 'labels' | 'dropName'> {
    const { bool } = this.#config;
    return { labels: bool && !this.#evaluation.delayedNameRemoval ? withoutName(labels) : labels, dropName: bool };
  }

  #fill(filler: Filler<MatchGroup>, groups: Iterable<MatchGroup>, clashes: Clashes, results: UniqueColumns): void {
    for (const group of groups) {
      for (const one of group.ones) {
        const pair = filler.ofOne(one, group);
        if (pair === undefined) continue;
        clashes.check(pair.one.column);
        this.#join(pair.many, pair.one, group, results);
      }
    }
  }

  #join(many: SeriesColumn, one: SeriesColumn, group: MatchGroup, results: UniqueColumns): StepColumn {
    const { matching, stepCount } = this.#config;
    const column = newStepColumn(stepCount);
    const matched = this.#combine(many.column, one.column, column);
    const { labels, dropName } = this.#named(this.#result.of(many.labels, one.labels));
    // What a filter leaves out is still a match: whether matches are unique does not depend on values.
    if (matching.card === 'one-to-one') {
      group.taken ??= new Uint8Array(stepCount);
      if (!take(group.taken, matched, one.column)) {
        throw ambiguous('many-to-one matching must be explicit (group_left/group_right)');
      }
    } else {
      group.takenByLabels ??= new Map();
      let taken = group.takenByLabels.get(labels.key);
      if (taken === undefined) group.takenByLabels.set(labels.key, (taken = new Uint8Array(stepCount)));
      if (!take(taken, matched, one.column)) throw ambiguous('grouping labels must ensure unique matches');
    }
    if (hasValue(column)) results.add({ labels, column, dropName });
    return matched;
  }
}

function ambiguous(why: string): Fault {
  return new Fault('execution', `multiple matches for labels: ${why}`);
}

/** Marks the steps that both columns have as taken; false when one of them was. */
function take(taken: Uint8Array, many: StepColumn, one: StepColumn): boolean {
  for (let k = 0; k < taken.length; k++) {
    if ((many.present[k] & one.present[k]) === 0) continue;
    if (taken[k] === 1) return false;
    taken[k] = 1;
  }
  return true;
}

/** Fills an empty column from the many side's and the one side's. */
type StepFunction = (many: StepColumn, one: StepColumn, out: StepColumn) => void;

function stepFunction(op: ArithmeticOp | ComparisonOp | TrimOp, bool: boolean, isSwapped: boolean): StepFunction {
  // Two floats never come of it: see histogramFunction.
  if (isTrim(op)) return () => {};
  if (!isComparison(op)) {
    const compute = arithmetic(op);
    return (many, one, out) => {
      for (let k = 0; k < out.present.length; k++) {
        if ((many.present[k] & one.present[k]) === 0) continue;
        const a = many.values[k];
        const b = one.values[k];
        out.values[k] = isSwapped ? compute(b, a) : compute(a, b);
        out.present[k] = 1;
      }
    };
  }
  const holds = comparison(op);
  return (many, one, out) => {
    for (let k = 0; k < out.present.length; k++) {
      if ((many.present[k] & one.present[k]) === 0) continue;
      const left = isSwapped ? one.values[k] : many.values[k];
      const right = isSwapped ? many.values[k] : one.values[k];
      const kept = holds(left, right);
      if (!kept && !bool) continue;
      // A filter keeps the value of the left side, whichever side has many.
      out.values[k] = bool ? Number(kept) : left;
      out.present[k] = 1;
    }
  };
}

/** The same where there are histograms on either side. Steps whose pair the operator is not for are taken out of `many`. */
function histogramFunction({ op, bool }: BinaryVectorConfig, isSwapped: boolean, notes: LastNotes): StepFunction {
  const ofFloats = stepFunction(op, bool, isSwapped);
  return (many, one, out) => {
    ofFloats(floatsOf(many), floatsOf(one), out);
    const [left, right] = isSwapped ? [one, many] : [many, one];
    for (let k = 0; k < out.present.length; k++) {
      if ((left.present[k] & right.present[k]) === 0) continue;
      const a = left.histograms?.[k] ?? left.values[k];
      const b = right.histograms?.[k] ?? right.values[k];
      if (typeof a === 'number' && typeof b === 'number') {
        if (!isTrim(op)) continue;
        notes.begin(k);
        notes.info(incompatibleSamples(op, 'float', 'float'));
        many.present[k] = 0;
        continue;
      }
      notes.begin(k);
      const result = combineHistograms(op, a, b, notes);
      if (typeof result === 'object') setHistogram(out, k, result);
      else if (typeof result === 'boolean' && bool) {
        out.values[k] = Number(result);
        out.present[k] = 1;
      } else if (result === true && typeof a === 'object') setHistogram(out, k, a);
      if (result === undefined) many.present[k] = 0;
    }
  };
}

/** The remarks on pairs. As in the reference, only those on the last pair of a step that has any are told. */
class LastNotes implements Notes {
  readonly #notes: Notes;
  readonly #steps = new Map<number, readonly Remark[]>();
  #step = 0;
  #isNew = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** What comes next is about a pair at this step. */
  begin(step: number): void {
    this.#step = step;
    this.#isNew = true;
  }

  warn(text: string): void {
    this.#add({ kind: 'warn', text });
  }

  info(text: string): void {
    this.#add({ kind: 'info', text });
  }

  #add(remark: Remark): void {
    const before = this.#isNew ? undefined : this.#steps.get(this.#step);
    this.#steps.set(this.#step, before === undefined ? [remark] : [...before, remark]);
    this.#isNew = false;
  }

  tell(): void {
    for (const remarks of this.#steps.values()) for (const { kind, text } of remarks) this.#notes[kind](text);
    this.#steps.clear();
  }
}

interface Remark {
  readonly kind: 'warn' | 'info';
  readonly text: string;
}

/** Steps at which the one side is not unique. That is a failure only where the many side has any series at all. */
class Clashes {
  readonly #matching: VectorMatching;
  readonly #stepCount: number;
  #steps: (Fault | undefined)[] | undefined;

  constructor(matching: VectorMatching, stepCount: number) {
    this.#matching = matching;
    this.#stepCount = stepCount;
  }

  note(earlier: readonly SeriesColumn[], series: SeriesColumn): void {
    for (const one of earlier) {
      for (let k = 0; k < this.#stepCount; k++) {
        if ((one.column.present[k] & series.column.present[k]) === 0) continue;
        this.#steps ??= new Array(this.#stepCount).fill(undefined);
        this.#steps[k] ??= this.#fault(series.labels, one.labels);
      }
    }
  }

  checkAll(): void {
    const clash = this.#steps?.find((fault) => fault !== undefined);
    if (clash !== undefined) throw clash;
  }

  check({ present }: StepColumn): void {
    if (this.#steps === undefined) return;
    for (let k = 0; k < this.#stepCount; k++) {
      const clash = this.#steps[k];
      if (clash !== undefined && present[k] === 1) throw clash;
    }
  }

  #fault(labels: Labels, earlier: Labels): Fault {
    const side = this.#matching.card === 'one-to-many' ? 'left' : 'right';
    const group = new MatchKey(this.#matching).matched(labels);
    const [first, second] = [`${earlier}`, `${labels}`].sort(compareUtf8);
    return new Fault(
      'execution',
      `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: ` +
        `[${first}, ${second}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }
}
