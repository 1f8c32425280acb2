// The engine against recorded answers of Prometheus: the same series, labels, values to the last bit, errors and remarks.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { backgroundRequest } from '../async/request.ts';
import { kindOf, messageOf } from '../errors/fault.ts';
import { linesOf, type RecordedAnswer, readAnswers, readSeries } from './answers-fixture.ts';
import { Engine, type QueryResult } from './engine.ts';
import { FakeQueryable } from './fake-queryable.ts';
import { printResult } from './result-json.ts';

const engine = new Engine({ lookbackMs: 300_000, timeoutMs: 60_000, defaultEvaluationIntervalMs: 60_000 });

/** Functions whose last bits depend on the platform's mathematics library. */
const transcendental = /sin|cos|tan|exp|ln\(|log|\^|deg|rad\(/;

/** The reference counts samples of earlier steps more than once. */
const countedSamples = /(?<=, over )\d+(?= samples from )/;

/** Go on amd64 takes wrong logarithms of subnormal numbers, which this series has. */
const subnormalLogarithm = /^(ln|log10)\(odd_value\)$/;

/** The reference sorts long vectors so that equal values may change places. */
const sortsTies = /^sort.*(odd_value|job="api"|_bucket)/;

describe('the engine answers like Prometheus', () => {
  const queryable = new FakeQueryable(readSeries());
  const answers = readAnswers();

  test('there are enough recorded answers', () => {
    assert.ok(answers.length > 1500, `${answers.length}`);
    assert.ok(answers.some(({ error }) => error !== undefined));
  });

  const byFirstWord = new Map<string, RecordedAnswer[]>();
  for (const answer of answers) {
    const word = /^[a-z_0-9]+(?=\()/.exec(answer.expression)?.[0] ?? 'other';
    byFirstWord.set(word, [...(byFirstWord.get(word) ?? []), answer]);
  }
  for (const [group, members] of byFirstWord) {
    test(`${group}: ${members.length} answers`, async () => {
      for (const recorded of members) {
        const { expression, kind } = recorded;
        const what = `${kind} ${expression}`;
        if (subnormalLogarithm.test(expression)) continue;
        let result: QueryResult;
        try {
          result = await run(recorded, queryable);
        } catch (thrown) {
          expect(messageOf(thrown), what).toBe(recorded.error);
          continue;
        }
        assert.equal(recorded.error, undefined, what);
        assert.equal(result.value.kind, recorded.type, what);
        compare(what, [...printResult(result.value)].join(''), recorded);
        assert.deepEqual([...result.warnings].sort(), [...(recorded.warnings ?? [])].sort(), what);
        assert.deepEqual(
          result.infos.map((text) => text.replace(countedSamples, '')).sort(),
          (recorded.infos ?? []).map((text) => text.replace(countedSamples, '')).sort(),
          what,
        );
      }
    });
  }
});

interface GoldenQuery {
  readonly id: string;
  readonly kind: string;
  readonly querier: string;
  readonly params: readonly (readonly [string, string])[];
  readonly status: number;
  readonly body: string;
}

describe('the engine answers like a real querier', () => {
  const golden = goldenDir();

  test.skipIf(golden === undefined)(
    'instant and range queries over one raw block, byte for byte where ordered',
    async () => {
      const queryable = new FakeQueryable(readSeries({ cluster: 'basic', region: 'eu' }).filter(isOfBasicBlock));
      const queries = linesOf(join(golden!, 'queries/queries.jsonl.gz')) as GoldenQuery[];
      const compared: string[] = [];
      for (const { id, kind, querier, params, status, body } of queries) {
        if (querier !== 'main-after' || (kind !== 'instant' && kind !== 'range') || status !== 200) continue;
        // `resets` is wrong there; the API turns `max_source_resolution` and other clusters are not in this block.
        if (id === 'instant-066' || !isOneBlock(body)) continue;
        const given = Object.fromEntries(params) as Record<string, string>;
        const { resultType, result } = (JSON.parse(body) as { data: { resultType: string; result: unknown } }).data;
        const recorded = { expression: given['query'], kind, type: resultType, result } as unknown as RecordedAnswer;
        const times =
          kind === 'instant'
            ? { time: seconds(given['time']) }
            : { start: seconds(given['start']), end: seconds(given['end']), step: seconds(given['step'], 600) };
        const asked = { ...recorded, ...times };
        const answer = await run(asked, queryable);
        assert.equal(answer.value.kind, resultType, id);
        const text = [...printResult(answer.value)].join('');
        compare(`${id} ${given['query']}`, text, asked);
        if (answer.value.kind === 'matrix') assert.ok(body.includes(text) || transcendental.test(given['query']), id);
        compared.push(id);
      }
      assert.ok(compared.length > 60, `${compared.length}`);
    },
  );
});

describe('the engine refuses like a real querier', () => {
  const golden = goldenDir();

  test.skipIf(golden === undefined)('queries that do not parse are invalid, others fail in execution', async () => {
    const queryable = new FakeQueryable(readSeries({ cluster: 'basic', region: 'eu' }).filter(isOfBasicBlock));
    const queries = linesOf(join(golden!, 'queries/queries.jsonl.gz')) as (GoldenQuery & { path: string })[];
    let refused = 0;
    for (const { id, kind, path, params, body } of queries) {
      const { errorType, error = '' } = kind === 'errors' && body.startsWith('{') ? (JSON.parse(body) as Refusal) : {};
      const isOfEngine = errorType === 'execution' || /parse error|invalid expression type/.test(error);
      if (errorType === undefined || !isOfEngine || !path.startsWith('/api/v1/query')) continue;
      const { query: expression = '' } = Object.fromEntries(params.filter(([name]) => name === 'query'));
      if (params.some(([name]) => name === 'storeMatch[]')) continue;
      const times = { startMs: 1_718_668_800_000, endMs: 1_718_668_860_000, stepMs: 10_000 };
      const failed = path.endsWith('_range')
        ? async () => engine.range(backgroundRequest(), queryable, { expression, ...times })
        : async () => engine.instant(backgroundRequest(), queryable, { expression, timeMs: 1_718_672_400_000 });
      const expected = errorType === 'execution' ? 'execution' : 'invalid';
      await assert.rejects(failed, (thrown) => {
        assert.equal(kindOf(thrown), expected, `${id} ${expression}: ${messageOf(thrown)}`);
        return true;
      });
      refused++;
    }
    assert.ok(refused > 20, `${refused}`);
  });
});

interface Refusal {
  readonly errorType?: string;
  readonly error?: string;
}

function isOfBasicBlock({ labels }: { readonly labels: { get(name: string): string } }): boolean {
  return !labels.get('__name__').startsWith('ha_');
}

function isOneBlock(body: string): boolean {
  return !body.includes('"cluster":') || /^(?!.*"cluster":"(?!basic)).*$/s.test(body);
}

function seconds(text: string | undefined, otherwise = Number.NaN): number {
  if (text === undefined) return otherwise;
  const minutes = /^(\d+)m$/.exec(text);
  if (minutes !== null) return Number(minutes[1]) * 60;
  return Number.isNaN(Number(text)) ? Date.parse(text) / 1000 : Number(text);
}

function run(recorded: RecordedAnswer, queryable: FakeQueryable): Promise<QueryResult> {
  const { expression, kind, time, start, end, step } = recorded;
  if (kind === 'instant') {
    return engine.instant(backgroundRequest(), queryable, { expression, timeMs: Math.round(time * 1000) });
  }
  const [startMs, endMs, stepMs] = [start, end, step].map((value) => Math.round(value * 1000));
  return engine.range(backgroundRequest(), queryable, { expression, startMs, endMs, stepMs });
}

interface PrintedSeries {
  readonly metric: Record<string, string>;
  readonly value?: [number, string];
  readonly values?: [number, string][];
}

function compare(what: string, text: string, { expression, type, result }: RecordedAnswer): void {
  const got = JSON.parse(text) as unknown;
  if (type === 'scalar' || type === 'string') {
    assert.deepEqual(got, result, what);
    return;
  }
  const mine = normalized(got as PrintedSeries[], expression);
  const theirs = normalized(result as PrintedSeries[], expression);
  if (!transcendental.test(expression)) {
    assert.deepEqual(mine, theirs, what);
    return;
  }
  assert.deepEqual(
    mine.map(({ metric }) => metric),
    theirs.map(({ metric }) => metric),
    what,
  );
  mine.forEach((series, i) => {
    const a = series.values ?? [series.value!];
    const b = theirs[i].values ?? [theirs[i].value!];
    assert.deepEqual(
      a.map(([time]) => time),
      b.map(([time]) => time),
      what,
    );
    for (const [k, [, value]] of a.entries()) {
      assert.ok(isClose(value, b[k][1]), `${what}: ${value} against ${b[k][1]}`);
    }
  });
}

/** Vectors have no order unless the expression sorts them. */
function normalized(series: readonly PrintedSeries[], expression: string): PrintedSeries[] {
  if (expression.startsWith('sort') && !sortsTies.test(expression)) return [...series];
  return [...series].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ metric }: PrintedSeries): string {
  return JSON.stringify(Object.entries(metric).sort());
}

function isClose(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return Math.abs(x - y) <= 1e-12 * Math.max(Math.abs(x), Math.abs(y));
}
