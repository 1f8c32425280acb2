// testdata/kernels.json holds ten series and what Prometheus 3.14 answers over them: floats must be equal to the bit.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { must } from '../../errors/assert.ts';
import { type FoldOp, newAccumulator } from './aggregations.ts';
import { newStepColumn, type StepColumn } from './step-column.ts';
import { kernelOf } from './table.ts';
import type { Notes, Windows } from './windows.ts';

interface Data {
  readonly startMs: number;
  readonly endMs: number;
  readonly series: readonly { kind: string; times: number[]; values: string[] }[];
  readonly cases: readonly {
    name: string;
    scalars: number[];
    rangeMs: number;
    stepMs: number;
    rows: (string | null)[][];
  }[];
  readonly folds: readonly { op: FoldOp; parameter: number | null; values: string[] }[];
}

const { startMs, endMs, series, cases, folds }: Data = JSON.parse(
  readFileSync(new URL('testdata/kernels.json', import.meta.url), 'utf8'),
);
const parsed = series.map(({ times, values }) => {
  const floats = Float64Array.from(values.map(number));
  return {
    times: Float64Array.from(times),
    values: floats,
    words: new Uint32Array(floats.buffer),
    histograms: undefined,
    length: times.length,
  };
});
const quiet: Notes = { warn() {}, info() {} };

function number(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}

function windowsOver(times: Float64Array, rangeMs: number, stepMs: number): Windows {
  const stepCount = Math.floor((endMs - startMs) / stepMs) + 1;
  const from = new Int32Array(stepCount);
  const to = new Int32Array(stepCount);
  for (let k = 0; k < stepCount; k++) {
    const rangeEnd = startMs + k * stepMs;
    from[k] = times.filter((time) => time <= rangeEnd - rangeMs).length;
    to[k] = times.filter((time) => time <= rangeEnd).length;
  }
  return { stepCount, from, to, firstEndMs: startMs, stepMs, rangeMs };
}

function run(name: string, member: number, rangeMs: number, stepMs: number, scalars: readonly number[]): StepColumn {
  const kernel = must(kernelOf(name), name);
  assert.ok(kernel.kind === 'range');
  const windows = windowsOver(parsed[member].times, rangeMs, stepMs);
  const out = newStepColumn(windows.stepCount);
  // What was there before must not show.
  out.values.fill(-7);
  out.present.fill(1);
  kernel.run(parsed[member], windows, out, {
    scalars: scalars.map((scalar) => new Float64Array(windows.stepCount).fill(scalar)),
    evalStartMs: startMs,
    evalStepMs: stepMs,
    notes: quiet,
  });
  return out;
}

describe('range functions', () => {
  for (const { name, scalars, rangeMs, stepMs, rows } of cases)
    test(`${name} over ${rangeMs / 1000}s equals the reference to the bit`, () => {
      rows.forEach((row, member) => {
        const out = run(name, member, rangeMs, stepMs, scalars);
        row.forEach((text, k) => {
          const where = `${series[member].kind} step ${k}`;
          assert.equal(out.present[k], text === null ? 0 : 1, where);
          if (text !== null)
            assert.ok(Object.is(out.values[k], number(text)), `${where}: ${out.values[k]} for ${text}`);
        });
      });
    });

  test('min and max agree with a plain search over every window', () => {
    for (const [member, { values }] of parsed.entries()) {
      const { from, to, stepCount } = windowsOver(parsed[member].times, 700_000, 30_000);
      const least = run('min_over_time', member, 700_000, 30_000, []);
      for (let k = 0; k < stepCount; k++) {
        const window = [...values.subarray(from[k], to[k])].filter((value) => !Number.isNaN(value));
        if (window.length > 0) assert.equal(least.values[k] + 0, Math.min(...window) + 0);
      }
    }
  });

  test('smoothing refuses factors outside of 0 to 1', () => {
    const message = 'invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000';
    assert.throws(() => run('double_exponential_smoothing', 0, 300_000, 60_000, [1, 0.5]), {
      kind: 'execution',
      message,
    });
  });
});

describe('aggregations', () => {
  const stepMs = 100_000;
  const columns = series.flatMap(({ kind }, member) =>
    kind === 'special' ? [] : [run('last_over_time', member, 300_000, stepMs, [])],
  );
  for (const { op, parameter, values } of folds)
    test(`${op} equals the reference to the bit`, () => {
      const stepCount = columns[0].values.length;
      const scalars = parameter === null ? undefined : new Float64Array(stepCount).fill(parameter);
      const accumulator = newAccumulator(op, stepCount, quiet, scalars);
      for (const column of columns) accumulator.add(column);
      const out = newStepColumn(stepCount);
      accumulator.finish(out);
      assert.deepEqual([...out.values], values.map(number));
      assert.ok(out.present.every((flag) => flag === 1));
    });

  test('a step that no member has stays empty', () => {
    for (const op of ['sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar', 'quantile'] as const) {
      const accumulator = newAccumulator(op, 2, quiet, Float64Array.of(0.5, 0.5));
      accumulator.add({ values: Float64Array.of(3, 4), present: Uint8Array.of(0, 1), histograms: undefined });
      const out = newStepColumn(2);
      accumulator.finish(out);
      assert.deepEqual([...out.present], [0, 1], op);
    }
  });

  test('quantile warns about what is no quantile', () => {
    const warnings: string[] = [];
    const notes = { warn: (text: string) => warnings.push(text), info() {} };
    const accumulator = newAccumulator('quantile', 1, notes, Float64Array.of(1234567.5));
    accumulator.add({ values: Float64Array.of(3), present: Uint8Array.of(1), histograms: undefined });
    const out = newStepColumn(1);
    accumulator.finish(out);
    assert.equal(out.values[0], Infinity);
    assert.deepEqual(warnings, ['quantile value should be between 0 and 1, got 1.2345675e+06']);
  });
});
