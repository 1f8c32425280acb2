// How quickly series entries decode, with and without their checksum: ten labels and four chunks each. Run from
// the build: node dist/pkg/tsdb/index/series-entry.bench.js

import { ByteWriter } from '../../bytes/writer.ts';
import { decodeSeriesEntry, SeriesEntry } from './series-entry.ts';

const count = 20_000;
const writer = new ByteWriter();
const offsets: number[] = [];
for (let series = 0; series < count; series++) {
  const body = new ByteWriter();
  body.uvarint(10);
  for (let label = 0; label < 10; label++) {
    body.uvarint(50 + label * 3);
    body.uvarint(100 + ((series * (label + 1)) % 7000));
  }
  body.uvarint(4);
  body.varint(1.7e12);
  body.uvarint(1_785_000);
  body.uvarint(series * 1000 + 8);
  for (let chunk = 1; chunk < 4; chunk++) {
    body.uvarint(15_000);
    body.uvarint(1_785_000);
    body.varint(250);
  }
  writer.pad(16);
  offsets.push(writer.length);
  writer.uvarint(body.length);
  const from = writer.length;
  writer.bytes(body.written);
  writer.checksum(from);
}
const bytes = writer.copy();
const entry = new SeriesEntry();
for (const verify of [true, false]) {
  let best = Infinity;
  for (let round = 0; round < 50; round++) {
    const start = performance.now();
    for (const offset of offsets) decodeSeriesEntry(bytes, offset, entry, bytes.length, verify);
    best = Math.min(best, performance.now() - start);
  }
  process.stdout.write(`series entry, checksum ${verify}: ${((best * 1e6) / count).toFixed(0)} ns\n`);
}
