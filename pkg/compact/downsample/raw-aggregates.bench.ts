// How quickly raw floats become windows: the plain aggregation against the compiled one, on a counter scraped four times a
// minute. Run from the build: node dist/pkg/compact/downsample/raw-aggregates.bench.js

import { SampleBuffer } from '../../storage/sample-columns.ts';
import { aggregatePlainly, aggregateRaw } from './raw-aggregates.ts';

const ROUNDS = 30;
const CALLS = 400;
const FIVE_MINUTES_MS = 300_000;

const samples = new SampleBuffer(2800);
for (let i = 0, value = 0; i < 2800; i++) {
  const noise = Math.imul(i, 2654435761) >>> 16;
  value = noise % 997 === 0 ? 0 : value + (noise % 50);
  samples.push(1.7e12 + i * 15_000 + (noise % 50 === 0 ? noise % 40 : 0), value);
}

const kinds = [aggregatePlainly, aggregateRaw];
const best = kinds.map(() => Number.POSITIVE_INFINITY);
for (let round = 0; round < ROUNDS; round++) {
  for (const [k, aggregate] of kinds.entries()) {
    const since = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) aggregate(samples, 0, samples.length, FIVE_MINUTES_MS);
    const { user, system } = process.cpuUsage(since);
    best[k] = Math.min(best[k], user + system);
  }
}
const rates = best.map((microseconds) => (CALLS * samples.length) / microseconds);
process.stdout.write(`plain ${rates[0].toFixed(0)}, kernel ${rates[1].toFixed(0)} million samples a second\n`);
