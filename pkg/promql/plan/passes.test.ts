// Plans that fetch less, and answer the same.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import { messageOf } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import { readAnswers, readSeries } from '../answers-fixture.ts';
import { Engine, type QueryResult } from '../engine.ts';
import { FakeQueryable, samplesOf } from '../fake-queryable.ts';
import { parse } from '../parser/parse.ts';
import { print } from '../parser/print.ts';
import { printResult } from '../result-json.ts';
import { planOf } from './from-ast.ts';
import { sharingSelects } from './merge-selects.ts';
import { childrenOf, type PlanNode, type Select } from './node.ts';
import { optimize } from './optimize.ts';

const times = { startMs: 0, endMs: 600_000, stepMs: 60_000, lookbackMs: 300_000, defaultSubqueryStepMs: 60_000 };

function planned(expression: string, hiddenLabels: readonly string[] = []): PlanNode {
  return optimize(planOf(parse(expression), times), { stepCount: 11, sharesSelects: true, hiddenLabels });
}

/** The matchers of every select, left before right, without the name. */
function fetches(node: PlanNode): string[] {
  let own: Select | undefined;
  if (node.kind === 'select') own = node.select;
  if (node.kind === 'window' && node.source.kind === 'selector') own = node.source.select;
  const texts = own === undefined ? [] : [own.matchers.filter(({ name }) => name !== '__name__').join(',')];
  return [...texts, ...childrenOf(node).flatMap(fetches)];
}

describe('matchers go to the other side of an operation', () => {
  for (const [expression, expected] of [
    ['a{x="1"} / b', ['x="1"', 'x="1"']],
    ['a / b{x=~"1|2", y!="3"}', ['x=~"1|2",y!="3"', 'x=~"1|2",y!="3"']],
    ['a{x="1"} / b{x="1", y="2"}', ['x="1",y="2"', 'x="1",y="2"']],
    ['a{x="1"} > b', ['x="1"', 'x="1"']],
    ['a{x="1"} / ignoring () b', ['x="1"', 'x="1"']],
    ['a{x="1"} and b', ['x="1"', 'x="1"']],
    ['a and on (x) b{x="1", y="2"}', ['x="1"', 'x="1",y="2"']],
    ['a{x="1"} unless b', ['x="1"', 'x="1"']],
    ['sum by (x) (a{x="1", y="2"}) / sum by (x) (b)', ['x="1",y="2"', 'x="1"']],
    ['sum by (x) (rate(a_total{x="1"}[5m])) / sum by (x) (rate(b_total[5m]))', ['x="1"', 'x="1"']],
    ['a{x="1", y="2"} * on (x) group_left max by (x) (b)', ['x="1",y="2"', 'x="1"']],
    ['max by (x) (b{x="1"}) * on (x) group_right a', ['x="1"', 'x="1"']],
    ['last_over_time(a{x="1"}[1h]) + last_over_time(b[5m])', ['x="1"', 'x="1"']],
    ['a{x="1"} / b / c', ['x="1"', 'x="1"', '']],
  ] as const) {
    test(expression, () => assert.deepEqual(fetches(planned(expression)), expected));
  }
});

describe('matchers stay where they are', () => {
  for (const [why, expression] of [
    ['of labels that are not matched', 'a{x="1"} / ignoring (x) b'],
    ['of labels that are not matched on', 'a{x="1"} and on (y) b'],
    ['of labels that are aggregated away', 'sum by (y) (a{x="1"}) / sum by (y) (b)'],
    ['where the unique side may have duplicates to complain of', 'a{x="1"} * on (x) group_left b'],
    ['where the unique side may have several names', 'a{x="1"} / {y="2"}'],
    ['where either side is kept', 'a{x="1"} or b'],
    ['of the side that is only left out', 'a unless b{x="1"}'],
    ['where a missing side is filled', 'a{x="1"} + fill (0) b'],
    ['where functions remark on what they read', 'rate(a{x="1"}[5m]) / rate(b[5m])'],
    ['where labels are made', 'a{x="1"} / label_replace(b, "x", "1", "y", ".*")'],
    ['across subqueries', 'max_over_time(a{x="1"}[5m:1m]) / b'],
  ] as const) {
    test(`${why}: ${expression}`, () => {
      let plan: PlanNode;
      try {
        plan = planOf(parse(expression), times);
      } catch (thrown) {
        // Operations that the language does not have yet cannot be planned wrongly.
        assert.match(messageOf(thrown), /fill|unexpected/);
        return;
      }
      assert.deepEqual(fetches(planned(expression)), fetches(plan));
    });
  }

  test('of labels that series do not have', () => {
    assert.deepEqual(fetches(planned('a{replica="1"} / b', ['replica'])), ['replica="1"', '']);
  });
});

describe('selectors share a fetch', () => {
  for (const [expression, fetched] of [
    ['x + x', ['{__name__="x"}', '{__name__="x"}']],
    ['rate(x{a="1"}[5m]) / rate(x[5m])', ['{__name__="x"}', '{__name__="x"}']],
    ['sum(rate(x{a="1"}[5m])) / sum(rate(x[5m])) + sum(rate(x{a="2"}[5m]))', ['{a="2", __name__="x"}']],
    ['histogram_sum(rate(h[5m])) / histogram_count(rate(h[5m]))', ['{__name__="h"}', '{__name__="h"}']],
  ] as const) {
    test(expression, () => {
      const sharing = sharingSelects(planned(expression));
      if (fetched.length === 1) assert.equal(sharing.length, 2);
      else
        assert.deepEqual(
          sharing.map(({ shared }) => `{${shared!.matchers.join(', ')}}`),
          fetched,
        );
    });
  }

  for (const [why, expression, hidden] of [
    ['of other times', 'x + x offset 1m', []],
    ['for other functions', 'rate(x[5m]) / increase(x[5m])', []],
    ['of other series', 'x{a="1"} / on () x{a="2"}', []],
    ['when the larger one is read later', 'sum(rate(x[5m])) / sum(rate(x{a="1"}[5m]))', []],
    ['that labels which are gone tell apart', 'sum(rate(x{a="1"}[5m])) / sum(rate(x[5m]))', ['a']],
    ['of any name', '{a="1"} + {a="1"}', []],
  ] as const) {
    test(`not ${why}: ${expression}`, () => assert.deepEqual(sharingSelects(planned(expression, hidden)), []));
  }

  test('not where the storage lends its series for a batch only', () => {
    const plan = optimize(planOf(parse('x + x'), times), { stepCount: 11 });
    assert.deepEqual(sharingSelects(plan), []);
  });
});

const config = {
  lookbackMs: 300_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
};
const optimized = new Engine(config);
const plain = new Engine({ ...config, optimizes: false });

async function outcome(run: Promise<QueryResult>): Promise<unknown> {
  try {
    const { value, warnings, infos } = await run;
    return { value: [...printResult(value)].join(''), warnings: [...warnings].sort(), infos: [...infos].sort() };
  } catch (thrown) {
    return { failure: messageOf(thrown) };
  }
}

describe('with and without passes the answer is the same', () => {
  const queryable = new FakeQueryable(readSeries());
  const answers = readAnswers().filter((_, i) => i % 3 === 0);

  test(`for ${answers.length} recorded queries`, async () => {
    for (const { expression, kind, time, start, end, step } of answers) {
      const run = (engine: Engine): Promise<QueryResult> =>
        kind === 'instant'
          ? engine.instant(backgroundRequest(), queryable, { expression, timeMs: time * 1000 })
          : engine.range(backgroundRequest(), queryable, {
              expression,
              startMs: start * 1000,
              endMs: end * 1000,
              stepMs: step * 1000,
            });
      assert.deepEqual(await outcome(run(optimized)), await outcome(run(plain)), expression);
    }
  });

  test('for pairs of recorded operands, joined in every way', async () => {
    // Every join of a few operands that share names and labels, which is where the passes work.
    const operands = [
      'm',
      'm{x="1"}',
      'm{x=~"1|2", y!="b"}',
      'n_total',
      'n_total{y="a"}',
      'rate(n_total[5m])',
      'rate(n_total{x="2"}[5m])',
      'sum by (x) (m)',
      'sum by (x, y) (m{y="a"})',
      'count by (x) (rate(n_total{x!="1"}[5m]))',
      'm @ 120',
      'max_over_time(m{x="1"}[3m:1m])',
      'm{x="1"} * 2',
      'm{z=""}',
    ];
    const joins = [
      '+',
      '/ on (x)',
      '- ignoring (y)',
      '> bool',
      '== on (x, y)',
      '* on (x) group_left ()',
      '* on (x) group_right ()',
      'and',
      'and on (x)',
      'or',
      'or on (y)',
      'unless',
      'unless on (x)',
    ];
    const small = new FakeQueryable(
      ['1', '2', '3']
        .flatMap((x) =>
          ['a', 'b'].flatMap((y) =>
            ['m', 'n_total'].map((name, i) => ({
              labels: Labels.of({ __name__: name, x, y, ...(name === 'm' ? {} : { z: 'only' }) }).without(
                new Set(x === '3' && i === 1 ? ['y'] : ['z']),
              ),
              samples: samplesOf(
                Array.from(
                  { length: 12 },
                  (_, k) => [k * 60_000 + Number(x), Number(x) * k + (y === 'a' ? 0.5 : 0)] as const,
                ),
              ),
            })),
          ),
        )
        .filter(
          ({ labels }) => !(labels.get('x') === '3' && labels.get('__name__') === 'n_total' && labels.get('y') === ''),
        ),
    );
    small.batchSize = 2;
    let compared = 0;
    for (const left of operands)
      for (const right of operands)
        for (const join of joins) {
          const expression = print(parse(`${left} ${join} ${right}`));
          const spec = { expression, startMs: 0, endMs: 600_000, stepMs: 120_000 };
          const [actual, wanted] = [
            await outcome(optimized.range(backgroundRequest(), small, spec)),
            await outcome(plain.range(backgroundRequest(), small, spec)),
          ];
          assert.deepEqual(actual, wanted, expression);
          compared++;
        }
    assert.equal(compared, operands.length ** 2 * joins.length);
  });
});

describe('a shared fetch', () => {
  const many = new FakeQueryable(
    Array.from({ length: 300 }, (_, i) => ({
      labels: Labels.of({ __name__: 'x_total', i: String(i), a: String(i % 3) }),
      samples: samplesOf([
        [0, i],
        [60_000, 2 * i],
        [120_000, 3 * i],
      ]),
    })),
  );
  many.batchSize = 7;

  test('asks the storage once', async () => {
    const before = many.asked.length;
    const expression = 'sum(rate(x_total{a="1"}[5m])) / sum(rate(x_total[5m]))';
    await optimized.instant(backgroundRequest(), many, { expression, timeMs: 120_000 });
    assert.equal(many.asked.length, before + 1);
  });

  test('that would keep too much waiting is made again, from where the reader was', async () => {
    // A storage that says its batches are large: three of them are more than may wait.
    const heavy = new (class extends FakeQueryable {
      override select(...args: Parameters<FakeQueryable['select']>) {
        const set = super.select(...args);
        const fetched = { bytes: 0, endpoints: [] };
        const batches = (async function* () {
          for await (const batch of set.batches) {
            fetched.bytes += 12 << 20;
            yield batch;
          }
        })();
        return { ...set, batches, fetched };
      }
    })(
      Array.from({ length: 60 }, (_, i) => ({
        labels: Labels.of({ __name__: 'x', i: String(i) }),
        samples: samplesOf([[0, i]]),
      })),
    );
    heavy.batchSize = 10;
    const spec = { expression: 'x + x', timeMs: 0 };
    assert.deepEqual(
      await outcome(optimized.instant(backgroundRequest(), heavy, spec)),
      await outcome(plain.instant(backgroundRequest(), heavy, spec)),
    );
    assert.equal(heavy.asked.length, 4);
  });

  test('is let go of when the query fails', async () => {
    let closed = 0;
    const failing = new (class extends FakeQueryable {
      override select(...args: Parameters<FakeQueryable['select']>) {
        const set = super.select(...args);
        const batches = (async function* () {
          try {
            yield* set.batches;
          } finally {
            closed++;
          }
        })();
        return { ...set, batches };
      }
    })(
      Array.from({ length: 60 }, (_, i) => ({
        labels: Labels.of({ __name__: 'x', i: String(i) }),
        samples: samplesOf([[0, i]]),
      })),
    );
    failing.batchSize = 10;
    await assert.rejects(
      new Engine({ ...config, maxSamples: 15 }).instant(backgroundRequest(), failing, {
        expression: 'x + x',
        timeMs: 0,
      }),
      /too many samples/,
    );
    assert.equal(closed, 1);
  });
});
