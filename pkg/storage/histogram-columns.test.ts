// Columns that hold native histograms among floats: growing, cutting, merging replicas.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type HistogramValue, noBuckets } from '../model/histogram-value.ts';
import { isStaleAt } from '../model/staleness.ts';
import { ColumnMerger, type DedupFunc } from './dedup.ts';
import { SampleBuffer, type SampleColumns } from './sample-columns.ts';

const histogram = (count: number, hint: HistogramValue['hint'] = 'not-reset'): HistogramValue => ({
  hint,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count,
  sum: 0,
  positive: noBuckets,
  negative: noBuckets,
  customValues: [],
});

/** `h5` a histogram of count 5, `g5` a gauge, `5` a float, `s` a stale marker, each with its time. */
function columns(...points: readonly (readonly [number, string])[]): SampleBuffer {
  const buffer = new SampleBuffer(1);
  for (const [time, text] of points) {
    if (text === 's') buffer.pushStale(time);
    else if (/^[hg]/.test(text)) {
      buffer.pushHistogram(time, histogram(Number(text.slice(1)), text[0] === 'g' ? 'gauge' : 'not-reset'));
    } else buffer.push(time, Number(text));
  }
  return buffer;
}

/** The same in text; `u5` is a histogram of which it is not known what it follows. */
function shown(samples: SampleColumns): string {
  return Array.from({ length: samples.length }, (_, i) => {
    const found = samples.histograms?.[i];
    const letter = { gauge: 'g', unknown: 'u', reset: 'r', 'not-reset': 'h' };
    const value = found === undefined ? `${samples.values[i]}` : `${letter[found.hint]}${found.count}`;
    return `${samples.times[i]}:${isStaleAt(samples.words, i) ? 's' : value}`;
  }).join(' ');
}

describe('a column', () => {
  test('of floats has no histograms', () => assert.equal(columns([1, '1'], [2, 's']).histograms, undefined));

  test('holds histograms among floats and stale markers, in their order', () => {
    assert.equal(shown(columns([1, '1'], [2, 'h2'], [3, '3'], [4, 's'], [5, 'g5'])), '1:1 2:h2 3:3 4:s 5:g5');
  });

  test('takes a stretch of another, whichever has histograms', () => {
    const into = columns([1, '1'], [2, '2']);
    into.pushColumns(columns([3, 'h3'], [4, '4'], [5, 'h5'], [6, 'h6']), 1, 3);
    into.pushColumns(columns([7, '7']));
    into.push(8, 8);
    into.pushHistogram(9, histogram(9));
    assert.equal(shown(into), '1:1 2:2 4:4 5:h5 7:7 8:8 9:h9');
  });

  test('that was cut does not remember what it lost', () => {
    const samples = columns([1, '1'], [2, 'h2'], [3, 'h3'], [4, '4'], [5, 'h5']);
    samples.drop(1, 3);
    assert.equal(shown(samples), '1:1 4:4 5:h5');
    samples.truncate(1);
    samples.push(6, 6);
    samples.push(7, 7);
    assert.equal(shown(samples), '1:1 6:6 7:7');
    samples.clear();
    assert.equal(samples.histograms, undefined);
  });

  test('drops floats at the end that no histogram follows', () => {
    const samples = columns([1, 'h1'], [2, '2'], [3, '3'], [4, '4']);
    samples.drop(2, 3);
    assert.equal(shown(samples), '1:h1 2:2 4:4');
  });
});

describe('replicas', () => {
  const a = columns([10_000, 'h1'], [20_000, 'h2'], [30_000, 'h3'], [60_000, 'h6'], [70_000, 'h7']);
  const b = columns(
    [10_100, 'h11'],
    [20_100, 'h12'],
    [30_100, 'h13'],
    [40_100, 'h14'],
    [50_100, 'h15'],
    [60_100, 'g16'],
  );
  const merged = (func: DedupFunc, isCounter: boolean, ...all: SampleColumns[]): string => {
    const into = new SampleBuffer(1);
    new ColumnMerger().merge(func, all, isCounter, into);
    return shown(into);
  };

  for (const isCounter of [false, true]) {
    test(`penalty switches as for floats, and what follows a switch is unknown${isCounter ? ' (counters)' : ''}`, () => {
      assert.equal(merged('penalty', isCounter, a, b), '10000:h1 20000:h2 30000:h3 50100:u15 60100:g16');
    });
  }

  test('three replicas as counters keep their histograms', () => {
    assert.equal(merged('penalty', true, a, b, a), '10000:u1 20000:u2 30000:u3 50100:u15 60100:g16');
  });

  test('chain takes all, those of the first at equal times', () => {
    const c = columns([20_000, 'h22'], [25_000, 'h23'], [26_000, 'h24'], [65_000, '65']);
    assert.equal(
      merged('chain', false, a, c),
      '10000:h1 20000:h2 25000:u23 26000:h24 30000:u3 60000:h6 65000:65 70000:u7',
    );
  });

  test('chain of floats with histograms', () => {
    const c = columns([5_000, '5'], [70_000, '70'], [80_000, '80']);
    assert.equal(merged('chain', false, c, a), '5000:5 10000:u1 20000:h2 30000:h3 60000:h6 70000:70 80000:80');
  });

  test('histograms do not disturb how floats are lifted', () => {
    const x = columns([10_000, '5'], [20_000, 'h1'], [30_000, '9']);
    const y = columns([41_000, '2'], [71_000, '3'], [101_000, 'h4']);
    assert.equal(merged('penalty', true, x, y), '10000:5 20000:h1 30000:9 71000:9 101000:h4');
  });
});
