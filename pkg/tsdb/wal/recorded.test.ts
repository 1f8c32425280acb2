// Logs and head chunks that a real Prometheus wrote before it was killed, with each compression and with start timestamps.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import type { HistogramSample } from '../../model/histogram.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { decodeXorChunk } from '../chunkenc/decode.ts';
import { ENCODING_XOR, ENCODING_XOR2 } from '../chunkenc/encoding.ts';
import { decodeXor2 } from '../chunkenc/xor2.ts';
import { readHeadFile } from '../chunks/head-file.ts';
import { FileSource } from '../local-file.ts';
import { listSegments } from './directory.ts';
import { encodeHistogramRecords } from './histogram-record.ts';
import { findDamage, readLog } from './reader.ts';
import {
  decodeRecord,
  encodeExemplarsRecord,
  encodeMetadataRecord,
  encodeMmapMarkersRecord,
  encodeSamplesRecord,
  encodeSeriesRecord,
  encodeTombstonesRecord,
} from './record.ts';
import { type LoggedSeries, lateSeries, recordedDeletion, recordedSeries, replay } from './recorded-fixture.ts';
import { readSegment } from './segment.ts';

const testdata = join(import.meta.dirname, '..', 'testdata', 'log');

/** Prometheus tells resets of its own; everything else of a histogram is as it was sent. */
function histogramsOf(list: readonly HistogramSample[]): unknown[] {
  return list.map(({ time, histogram }) => {
    const { hint, ...rest } = histogram;
    return { time, isGauge: hint === 'gauge', ...rest };
  });
}

for (const { name, withStarts } of [
  { name: 'none', withStarts: false },
  { name: 'snappy', withStarts: false },
  { name: 'zstd', withStarts: false },
  { name: 'starts', withStarts: true },
]) {
  describe(`recorded with ${withStarts ? 'start timestamps' : `compression ${name}`}`, () => {
    const directory = join(testdata, name);

    test('the log says everything that was sent', () => {
      const { series, kinds } = replay(readLog(join(directory, 'wal')));
      const compression = name === 'none' ? 0 : name === 'zstd' ? 0x10 : 0x08;
      assert.ok(flagsOf(join(directory, 'wal')).has(compression));
      const expectedKinds = withStarts ? [1, 3, 4, 6, 11, 12, 13] : [1, 2, 3, 4, 6, 7, 8, 9, 10];
      assert.deepEqual(
        [...kinds].sort((a, b) => a - b),
        expectedKinds,
      );
      if (withStarts) {
        // What was scraped has start timestamps; Prometheus does not keep those of remote write.
        const scraped = [...series].filter(([labels]) => labels.includes('job="self"')).map(([, one]) => one);
        const starts = scraped.flatMap(({ floats, histograms }) => [...floats, ...histograms]);
        assert.ok(starts.filter(({ start, time }) => start > time - 3_600_000 && start < time).length > 100);
        assert.ok(scraped.some(({ histograms }) => histograms.some(({ start }) => start > 0)));
      }
      for (const sent of [...recordedSeries, lateSeries]) {
        const found: LoggedSeries = series.get(sent.labels.toString())!;
        assert.deepEqual(
          found.floats,
          sent.floats.map((sample) => ({ ...sample, start: 0 })),
        );
        assert.deepEqual(histogramsOf(found.histograms), histogramsOf(sent.histograms));
        assert.deepEqual(found.exemplars, sent.exemplars);
        if (sent.metadata.type !== 0) assert.deepEqual(found.metadata, sent.metadata);
        const isDeleted = sent.labels.get('__name__') === 'log_deleted';
        const { startS, endS } = recordedDeletion;
        assert.deepEqual(found.deleted, isDeleted ? [{ minTime: startS * 1000, maxTime: endS * 1000 }] : []);
      }
    });

    // Prometheus had emptied the one with start timestamps.
    if (!withStarts)
      test('the log of late samples says those, and which of them moved to head chunks', () => {
        const { series, byRef } = replay(readLog(join(directory, 'wal')));
        const found = series.get(lateSeries.labels.toString())!;
        const before = found.floats.length;
        const { markers } = replay(readLog(join(directory, 'wbl')), byRef);
        assert.ok(markers > 0);
        assert.deepEqual(found.floats.slice(before), lateSeries.floats.slice(1));
      });

    test('each record is written again with the same bytes', () => {
      for (const part of withStarts ? ['wal'] : ['wal', 'wbl']) {
        for (const { bytes } of readLog(join(directory, part))) {
          const again = encodedAgain(bytes.slice());
          assert.equal(Buffer.from(again).toString('hex'), Buffer.from(bytes).toString('hex'));
        }
      }
    });

    // The others were killed before any were written.
    if (name === 'snappy')
      test('head chunks hold the samples that were moved there', () => {
        const { series } = replay(readLog(join(directory, 'wal')));
        const counter = recordedSeries.at(-1)!;
        assert.ok(series.has(counter.labels.toString()));
        const floats = new SampleBuffer();
        let late = 0;
        for (const file of readdirSync(join(directory, 'chunks_head'))) {
          const source = new FileSource(join(directory, 'chunks_head', file));
          for (const chunk of readHeadFile(source)) {
            const from = floats.length;
            const { data, encoding } = chunk;
            assert.ok(encoding === ENCODING_XOR || encoding === ENCODING_XOR2);
            if (encoding === ENCODING_XOR2) decodeXor2(data, 0, data.length, floats);
            else decodeXorChunk(data, 0, data.length, floats);
            assert.equal(floats.times[from], chunk.minTime);
            assert.equal(floats.times[floats.length - 1], chunk.maxTime);
            if (chunk.isLate) {
              late += floats.length - from;
              floats.truncate(from);
            }
          }
          source.close();
        }
        assert.ok(late > 0 && floats.length >= 120);
        for (let i = 0; i < floats.length; i++) {
          assert.deepEqual([floats.times[i], floats.values[i]], [counter.floats[i].time, i * 2]);
        }
      });
  });
}

test('the logs are whole', () => {
  for (const name of readdirSync(testdata)) assert.equal(findDamage(join(testdata, name, 'wal')), undefined);
});

/** How the records of a log are compressed. */
function flagsOf(directory: string): Set<number> {
  const flags = new Set<number>();
  for (const { path, segment } of listSegments(directory)) {
    const source = new FileSource(path);
    for (const { offset } of readSegment(source, segment)) flags.add(source.read(offset, 1)[0] & 0x18);
    source.close();
  }
  return flags;
}

function encodedAgain(bytes: Uint8Array): Uint8Array {
  const record = decodeRecord(bytes);
  switch (record.kind) {
    case 'series':
      return encodeSeriesRecord(record.series);
    case 'samples':
      return encodeSamplesRecord(record.samples);
    case 'histograms':
      return encodeHistogramRecords(record.histograms)[0];
    case 'exemplars':
      return encodeExemplarsRecord(record.exemplars);
    case 'tombstones':
      return encodeTombstonesRecord(record.tombstones);
    case 'metadata':
      return encodeMetadataRecord(record.metadata);
    case 'mmap-markers':
      return encodeMmapMarkersRecord(record.markers);
    case 'unknown':
      return bytes;
  }
}
