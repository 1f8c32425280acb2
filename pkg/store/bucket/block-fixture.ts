// Tests: blocks of a few series in a directory, as a bucket has them.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyThanos, parseMeta, printMeta } from '../../block/meta.ts';
import { compareLabels, type Labels } from '../../model/labels.ts';
import { newUlid } from '../../model/ulid.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { BlockWriter } from '../../tsdb/block-writer.ts';
import type { FakeSeries } from '../fake-store.ts';

export const TWO_HOURS_MS = 2 * 3_600_000;

/** Writes one block that holds all the series; gives its ULID. */
export function writeBlock(
  directory: string,
  series: readonly FakeSeries[],
  labels: Labels,
  time: { readonly minTime: number; readonly maxTime: number },
): string {
  const ulid = newUlid();
  const writer = new BlockWriter(directory, { ulid, ...time });
  const columns = new SampleBuffer();
  for (const one of [...series].sort((a, b) => compareLabels(a.labels, b.labels))) {
    columns.clear();
    for (const [at, value] of one.samples) columns.push(at, value);
    writer.addSeries(one.labels, columns);
  }
  writer.finish();
  const path = join(directory, ulid, 'meta.json');
  const meta = parseMeta(readFileSync(path));
  const thanos = { ...emptyThanos, version: 1, labels, source: 'test', segmentFiles: ['000001'] };
  writeFileSync(path, printMeta({ ...meta, thanos }));
  rmSync(join(directory, ulid, 'tombstones'), { force: true });
  return ulid;
}
