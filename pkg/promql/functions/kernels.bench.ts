// Samples a second of the kernels that dashboards use: one day at 15 s, windows of 5 m every 60 s. Run from the build:
// node dist/pkg/promql/functions/kernels.bench.js

import { must } from '../../errors/assert.ts';
import { newStepColumn } from './step-column.ts';
import { kernelOf } from './table.ts';
import type { Windows } from './windows.ts';

const SAMPLES = 5760;
const times = Float64Array.from({ length: SAMPLES }, (_, i) => i * 15_000);
const values = Float64Array.from({ length: SAMPLES }, (_, i) => (i % 1000) * 1.5);
const samples = { times, values, words: new Uint32Array(values.buffer), histograms: undefined, length: SAMPLES };
const stepCount = SAMPLES / 4;
const windows: Windows = {
  stepCount,
  from: Int32Array.from({ length: stepCount }, (_, k) => Math.max(0, 4 * k - 19)),
  to: Int32Array.from({ length: stepCount }, (_, k) => 4 * k + 1),
  firstEndMs: 0,
  stepMs: 60_000,
  rangeMs: 300_000,
};
const args = { scalars: [], evalStartMs: 0, evalStepMs: 60_000, notes: { warn() {}, info() {} } };

const ROUNDS = 100;
for (const name of ['rate', 'irate', 'avg_over_time', 'sum_over_time', 'max_over_time', 'stddev_over_time', 'deriv']) {
  const kernel = must(kernelOf(name), name);
  const out = newStepColumn(stepCount);
  let best = Infinity;
  for (let trial = 0; trial < 6; trial++) {
    const start = performance.now();
    for (let i = 0; i < ROUNDS; i++) if (kernel.kind === 'range') kernel.run(samples, windows, out, args);
    best = Math.min(best, performance.now() - start);
  }
  process.stdout.write(`${name}: ${((SAMPLES * ROUNDS) / best / 1000).toFixed(0)} million samples/s\n`);
}
