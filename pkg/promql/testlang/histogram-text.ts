// Native histograms of a script: `{{schema:0 sum:5 count:4 buckets:[1 2 1] offset:-1}}`, also repeated and changing like
// numbers: `{{...}}x3`, `{{...}}+{{...}}x3`.

import { Fault } from '../../errors/fault.ts';
import type { CounterResetHint } from '../../model/histogram.ts';
import { addHistograms, subtractHistograms } from '../../model/histogram-math.ts';
import type { BucketCounts, HistogramValue } from '../../model/histogram-value.ts';
import { parseNumber } from './number.ts';

export interface WrittenHistogram {
  readonly histogram: HistogramValue;
  /** The script says what the hint is: only then is it compared. */
  readonly namesHint: boolean;
}

const hints: Readonly<Record<string, CounterResetHint>> = {
  unknown: 'unknown',
  reset: 'reset',
  not_reset: 'not-reset',
  gauge: 'gauge',
};

/** The points of one item; `xN` stands for one and N more. Throws `invalid` for text that is none. */
export function parseHistograms(item: string): WrittenHistogram[] {
  const parts = /^\{\{([^}]*)\}\}(?:([+-])\{\{([^}]*)\}\})?(?:x(\d+))?$/.exec(item);
  if (parts === null) throw new Fault('invalid', `not a histogram: ${item}`);
  const [, first, sign, change, times] = parts;
  const written = parseHistogram(first);
  const step = change === undefined ? undefined : parseHistogram(change).histogram;
  const all = [written];
  let { histogram } = written;
  for (let i = 0; i < Number(times ?? 0); i++) {
    if (step !== undefined) {
      const next = sign === '-' ? subtractHistograms(histogram, step) : addHistograms(histogram, step);
      if (next === undefined) throw new Fault('invalid', `histograms of different kinds: ${item}`);
      histogram = next.value;
    }
    all.push({ ...written, histogram });
  }
  return all;
}

function parseHistogram(text: string): WrittenHistogram {
  const fields = new Map<string, string>();
  for (const [, name, list, plain] of text.matchAll(/(\w+):(?:\[([^\]]*)\]|(\S+))/g)) fields.set(name, list ?? plain);
  const number = (name: string): number => parseNumber(fields.get(name) ?? '0');
  const list = (name: string): number[] => (fields.get(name) ?? '').split(/\s+/).filter(Boolean).map(parseNumber);
  const hint = fields.get('counter_reset_hint');
  const histogram: HistogramValue = {
    hint: hints[hint ?? 'unknown'],
    schema: number('schema'),
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    positive: bucketsFrom(number('offset'), list('buckets')),
    negative: bucketsFrom(number('n_offset'), list('n_buckets')),
    customValues: list('custom_values'),
  };
  return { histogram, namesHint: hint !== undefined };
}

function bucketsFrom(offset: number, counts: readonly number[]): BucketCounts {
  return { indexes: Int32Array.from(counts, (_, i) => offset + i), counts: Float64Array.from(counts) };
}
