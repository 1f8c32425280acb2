// Our store gateways and queriers over recorded buckets give the answers that the reference's gave over the same.

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { Cluster } from './harness/cluster.ts';
import { type Answer, difference, type GoldenRecord, readGoldenRecords, replay } from './harness/golden-records.ts';
import { freePort, waitUntil } from './harness/process.ts';
import { filesystemYaml, ours, type Service, startService, startStore } from './harness/programs.ts';

const golden = goldenDir();
const records = golden === undefined ? [] : readGoldenRecords(join(golden, 'queries', 'queries.jsonl.gz'));

/** By the name the records give them. */
const QUERIERS: Readonly<Record<string, { readonly bucket: string; readonly flags?: readonly string[] }>> = {
  'main-after': { bucket: 'main/after' },
  'main-before': { bucket: 'main/before' },
  'dedup-default': { bucket: 'dedup/after-default' },
  'dedup-penalty': { bucket: 'dedup/after-penalty' },
  partial: { bucket: 'main/after' },
  experimental: { bucket: 'main/after', flags: ['--enable-feature=promql-experimental-functions'] },
};

/** Only the buckets: count and sum are the reference's. */
const AVERAGED_BUCKETS = /^result\[0\]\.histograms\[\d+\]\[1\]\.buckets/;

/** Where we differ and want to: the record, and how our difference begins. */
const DIFFERS: Readonly<Record<string, RegExp>> = {
  // The reference's reading of counters over a StoreAPI hides resets from resets(); Prometheus counts them.
  'instant-066': /result\[0\]\.value\[1\]: "3" in place of "0"/,
  'downsampled-076': /result\[0\]\.values\[0\]\[1\]: "1" in place of "0"/,
  // limit_ratio goes by a hash of the labels, which the reference makes of other bytes than Prometheus.
  'experimental-003': /result\[1\]\.metric\.method: "POST" in place of "GET"/,
  // An average of histograms there divides the buckets it has divided before once more.
  'downsampled-028': AVERAGED_BUCKETS,
  'downsampled-043': AVERAGED_BUCKETS,
  'downsampled-058': AVERAGED_BUCKETS,
  // The reference loses the warnings of /series.
  'partial-003': /warnings \["fetch series for .*127\.0\.0\.1:\d+ .*"\] in place of undefined/,
};

/** What is asked for by name and not served yet. */
const NOT_SERVED: Readonly<Record<string, RegExp>> = {
  'other-003': /404 page not found/,
  'other-004': /404 page not found/,
  'other-006': /404 page not found/,
  'other-007': /404 page not found/,
};

describe.skipIf(golden === undefined)('over recorded buckets', () => {
  const cluster = new Cluster('golden-queries');
  const queriers = new Map<string, Service>();
  const before = golden === undefined ? '' : listing(join(golden, 'bucket'));

  beforeAll(async () => {
    const buckets = [...new Set(Object.values(QUERIERS).map(({ bucket }) => bucket))];
    const stores = new Map<string, Service>();
    const start = async (bucket: string): Promise<void> => {
      const yaml = filesystemYaml(join(golden!, 'bucket', bucket));
      stores.set(bucket, await startStore(cluster, ours, bucket.replaceAll('/', '-'), yaml));
    };
    await Promise.all(buckets.map(start));
    const deadEndpoint = `127.0.0.1:${await freePort()}`;
    await Promise.all(
      Object.entries(QUERIERS).map(async ([name, { bucket, flags = [] }]) => {
        const querier = await startService(cluster, ours, 'query', name, [
          `--endpoint=${stores.get(bucket)!.grpc}`,
          '--query.replica-label=replica',
          ...(name === 'partial' ? [`--endpoint-strict=${deadEndpoint}`] : flags),
        ]);
        queriers.set(name, querier);
        // A querier is ready before its first look at the endpoints is over.
        await waitUntil(`${name} knows its store`, 60_000, async () => {
          const response = await fetch(`${querier.url}/api/v1/stores`);
          const answer = (await response.json()) as { data: { store?: { lastError: unknown }[] } };
          return answer.data.store?.some(({ lastError }) => lastError === null) === true;
        });
      }),
    );
  });
  afterAll(() => cluster.close());

  const kinds = [...new Set(records.map(({ kind }) => kind))];
  for (const kind of kinds) {
    const ofKind = records.filter((record) => record.kind === kind);
    test(`the ${ofKind.length} recorded answers of kind ${kind} are ours`, async () => {
      onTestFailed(() => console.error(cluster.logs));
      const wrong: string[] = [];
      for (const record of ofKind) {
        const answer = await replay(queriers.get(record.querier)!.url, onAnyPort(record));
        const found = judge(record, answer);
        if (found !== undefined) wrong.push(`${record.id} ${JSON.stringify(record.params)}: ${found.slice(0, 1000)}`);
      }
      assert.deepEqual(wrong, []);
    });
  }

  test('most records are compared, and the lists of those that differ name no other', () => {
    const ids = new Set(records.map(({ id }) => id));
    const listed = [...Object.keys(DIFFERS), ...Object.keys(NOT_SERVED)];
    assert.deepEqual(
      listed.filter((id) => !ids.has(id)),
      [],
    );
    const equal = records.length - Object.keys(DIFFERS).length - Object.keys(NOT_SERVED).length;
    assert.deepEqual({ records: records.length, equal }, { records: 299, equal: 288 });
  });

  test('the buckets are as they were', () => {
    assert.equal(listing(join(golden!, 'bucket')), before);
  });
});

/** What is wrong about an answer; undefined when it is as it must be. */
function judge(record: GoldenRecord, answer: Answer): string | undefined {
  const found = difference(record, answer);
  const listed = DIFFERS[record.id] ?? NOT_SERVED[record.id];
  if (listed === undefined) return found;
  return found !== undefined && listed.test(found) ? undefined : `is listed to differ as ${listed}, but: ${found}`;
}

/** The reference's ports were fixed, ours are the system's. */
function onAnyPort(record: GoldenRecord): GoldenRecord {
  const params = record.params.map(
    ([name, value]) => [name, value.replace('127.0.0.1:191.*', '127.0.0.1:.*')] as const,
  );
  return { ...record, params };
}

/** Every file with its size and time. */
function listing(directory: string): string {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return files
    .map((file) => {
      const { size, mtimeMs } = statSync(join(directory, file));
      return `${file} ${size} ${mtimeMs}`;
    })
    .join('\n');
}
