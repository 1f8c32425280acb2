// The penalty algorithm: one series out of two replicas of it. It stays with a replica and goes to the other one only
// when the first has been silent for longer than a penalty, which is twice the last step it took.
//
// It is the reference's, to the bit, its peculiarities included: the first penalty is a fixed 5 s, so that of replicas
// scraped faster than that early samples of the passive one are lost; and a counter that falls at a switch lifts the
// replica for good. In a fold of more than two replicas the inner pair is one source, but a lift goes to each of its
// members by that member's own value. So counters are folded in step (CounterPair), and the rest column by column.

import { type HistogramValue, outOfSequence } from '../model/histogram-value.ts';
import type { SampleBuffer, SampleColumns } from './sample-columns.ts';

const FIRST_PENALTY_MS = 5_000;
const UNKNOWN_TIME = -(2 ** 63);

/** Appends the merger of two replicas to `into`, other columns than theirs; values travel by their bits. */
export function mergeByPenalty(a: SampleColumns, b: SampleColumns, into: SampleBuffer): void {
  mergeRuns(a, b, false, into);
}

/**
 * The same for accumulated counters, whose values hold no NaN: when the chosen replica changes, every replica that
 * stands lower than the value emitted before is lifted by the difference, once and for all.
 */
export function mergeCountersByPenalty(a: SampleColumns, b: SampleColumns, into: SampleBuffer): void {
  mergeRuns(a, b, true, into);
}

/** One replica, where it stands, how far it has been sent, and how high it has been lifted. */
interface Side {
  readonly columns: SampleColumns;
  readonly isA: boolean;
  at: number;
  seek: number;
  lift: number;
}

// Works by runs of one replica. While the next sample of the active one comes before the time the passive one has been
// sent to, the passive one cannot be chosen, and need not be looked at: a quiet pair costs one pass over one column.
function mergeRuns(a: SampleColumns, b: SampleColumns, isCounter: boolean, into: SampleBuffer): void {
  if (a.length === 0 || b.length === 0) {
    into.pushColumns(a.length === 0 ? b : a);
    return;
  }
  into.reserve(a.length + b.length);
  let active: Side = { columns: a, isA: true, at: 0, seek: UNKNOWN_TIME, lift: 0 };
  let passive: Side = { columns: b, isA: false, at: 0, seek: UNKNOWN_TIME, lift: 0 };
  if (b.times[0] < a.times[0]) {
    [active, passive] = [passive, active];
    // Before the first sample A is the one in use: a merger that begins with B is already a switch.
    if (isCounter && a.values[0] > b.values[0]) active.lift = a.values[0] - b.values[0];
  }
  let lastTime = UNKNOWN_TIME;
  for (;;) {
    const { times, length } = active.columns;
    const { times: otherTimes, length: otherLength } = passive.columns;
    const start = active.at;
    const penalty = lastTime === UNKNOWN_TIME ? FIRST_PENALTY_MS : 2 * (times[start] - lastTime);
    lastTime = times[start];
    let seek = Math.max(passive.seek, lastTime + 1 + penalty);
    let other = passive.at;
    // At equal times A is chosen, so that B gives way a millisecond earlier.
    const grace = active.isA ? 0 : 1;
    let i = start + 1;
    for (; i < length; i++) {
      const time = times[i];
      if (time <= lastTime) {
        // Only a damaged chunk goes back in time; what it repeats is left out, as by any seek.
        emit(active, i, into);
        active.at = i + 1;
        continue;
      }
      if (time + grace > seek) {
        while (other < otherLength && otherTimes[other] < seek) other++;
        if (other < otherLength && otherTimes[other] < time + grace) break;
      }
      // Never back: a long step sends the passive one further than the shorter ones after it would.
      seek = Math.max(seek, time + 1 + 2 * (time - lastTime));
      lastTime = time;
    }
    emit(active, i, into);
    while (other < otherLength && otherTimes[other] < seek) other++;
    if (other === otherLength) return;
    passive.at = other;
    passive.seek = seek;
    if (isCounter) {
      const before = active.columns.values[i - 1] + active.lift;
      lift(active, before);
      lift(passive, before);
    }
    [active, passive] = [passive, active];
  }
}

/** Appends a side's samples up to index `to`, which it then stands at. */
function emit(side: Side, to: number, into: SampleBuffer): void {
  const from = into.length;
  into.pushColumns(side.columns, side.at, to);
  side.at = to;
  if (from > 0 && into.histograms !== undefined) into.breakSequence(from);
  if (side.lift === 0) return;
  const { values, length } = into;
  for (let i = from; i < length; i++) values[i] += side.lift;
}

function lift(side: Side, value: number): void {
  if (side.at === side.columns.length) return;
  const current = side.columns.values[side.at] + side.lift;
  if (value > current) side.lift += value - current;
}

/** Appends the fold d(d(r0, r1), r2)... of accumulated counters to `into`. */
export function foldCountersByPenalty(columns: readonly SampleColumns[], into: SampleBuffer): void {
  let source: CounterSource = new CounterColumn(columns[0]);
  for (const column of columns.slice(1)) source = new CounterPair(source, new CounterColumn(column));
  for (source.seek(UNKNOWN_TIME); !source.isEnded; source.seek(source.time + 1)) {
    const { histogram } = source;
    // Whether it is of the same replica as the one before is not known here.
    if (histogram !== undefined) into.pushHistogram(source.time, outOfSequence(histogram));
    else into.push(source.time, source.value);
  }
}

/** A replica, or a merger of some, that stands at a sample once `seek` has been called. */
interface CounterSource {
  readonly isEnded: boolean;
  readonly time: number;
  readonly value: number;
  /** The histogram in place of the value, which is NaN then: switches are the same, but nothing is lifted. */
  readonly histogram: HistogramValue | undefined;
  /** Moves to the first sample at or after a time; never back. */
  seek(time: number): void;
  /** Raises what stands lower than `value` to it, for good. */
  lift(value: number): void;
}

class CounterColumn implements CounterSource {
  readonly #columns: SampleColumns;
  #at = 0;
  #lift = 0;

  constructor(columns: SampleColumns) {
    this.#columns = columns;
  }

  get isEnded(): boolean {
    return this.#at >= this.#columns.length;
  }

  get time(): number {
    return this.#columns.times[this.#at];
  }

  get value(): number {
    return this.#columns.values[this.#at] + this.#lift;
  }

  get histogram(): HistogramValue | undefined {
    return this.#columns.histograms?.[this.#at];
  }

  seek(time: number): void {
    const { times, length } = this.#columns;
    while (this.#at < length && times[this.#at] < time) this.#at++;
  }

  lift(value: number): void {
    if (!this.isEnded && value > this.value) this.#lift += value - this.value;
  }
}

class CounterPair implements CounterSource {
  readonly #a: CounterSource;
  readonly #b: CounterSource;
  #penaltyA = 0;
  #penaltyB = 0;
  #usesA = true;
  #isBegun = false;
  isEnded = false;
  time = UNKNOWN_TIME;

  constructor(a: CounterSource, b: CounterSource) {
    this.#a = a;
    this.#b = b;
    a.seek(UNKNOWN_TIME);
    b.seek(UNKNOWN_TIME);
  }

  get value(): number {
    return this.#usesA ? this.#a.value : this.#b.value;
  }

  get histogram(): HistogramValue | undefined {
    return this.#usesA ? this.#a.histogram : this.#b.histogram;
  }

  /** Steps by the rule until the time is reached: a gap of one member is filled by the other on the way. */
  seek(time: number): void {
    while (!this.isEnded && (!this.#isBegun || this.time < time)) this.#step();
  }

  lift(value: number): void {
    if (!this.#a.isEnded) this.#a.lift(value);
    if (!this.#b.isEnded) this.#b.lift(value);
  }

  #step(): void {
    const a = this.#a;
    const b = this.#b;
    const active = this.#usesA ? a : b;
    const before = active.isEnded ? undefined : active.value;
    const usedA = this.#usesA;
    this.#isBegun = true;
    if (!a.isEnded) a.seek(this.time + 1 + this.#penaltyA);
    if (!b.isEnded) b.seek(this.time + 1 + this.#penaltyB);
    if (a.isEnded && b.isEnded) {
      this.isEnded = true;
      return;
    }
    this.#usesA = b.isEnded || (!a.isEnded && a.time <= b.time);
    const time = this.#usesA ? a.time : b.time;
    const penalty = this.time === UNKNOWN_TIME ? FIRST_PENALTY_MS : 2 * (time - this.time);
    if (this.#usesA) {
      if (!b.isEnded) this.#penaltyB = penalty;
      this.#penaltyA = 0;
    } else {
      if (!a.isEnded) this.#penaltyA = penalty;
      this.#penaltyB = 0;
    }
    this.time = time;
    if (this.#usesA !== usedA && before !== undefined) this.lift(before);
  }
}
