// What holds for every query, over the recorded expressions and the samples they were recorded over.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { SelectHints } from '../storage/hints.ts';
import type { SeriesSet } from '../storage/series.ts';
import { type RecordedAnswer, readAnswers, readSeries } from './answers-fixture.ts';
import { Engine } from './engine.ts';
import { FakeQueryable, type FakeSeries, samplesOf } from './fake-queryable.ts';
import { printResult } from './result-json.ts';

const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const engine = new Engine({
  lookbackMs: 300_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
});
const series = readSeries();

/** What depends on the times of the query as a whole, and not on the step alone. */
const ofTheQuery = /@\s*(start|end)|\b(start|end|range|step)\s*\(\)/;

/** Points of each series by labels: time to printed value, which tells every bit. */
type Points = ReadonlyMap<string, ReadonlyMap<number, string>>;

interface Answer {
  readonly points: Points;
  readonly notes: readonly string[];
}

interface Times {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

async function range(expression: string, times: Times, data = new FakeQueryable(series)): Promise<Answer | undefined> {
  try {
    const { value, warnings, infos } = await engine.range(backgroundRequest(), data, { expression, ...times });
    return { points: pointsOf([...printResult(value)].join('')), notes: [...warnings, ...infos] };
  } catch (thrown) {
    // Which of several mistakes is told is not the point here.
    assert.ok(messageOf(thrown).length > 0);
    return undefined;
  }
}

async function instant(expression: string, timeMs: number): Promise<Answer | undefined> {
  try {
    const spec = { expression, timeMs };
    const { value, warnings, infos } = await engine.instant(backgroundRequest(), new FakeQueryable(series), spec);
    if (value.kind === 'scalar') {
      const text = JSON.parse([...printResult(value)].join('')) as [number, string];
      return { points: new Map([['{}', new Map([[timeMs, JSON.stringify(text[1])]])]]), notes: [] };
    }
    return { points: pointsOf([...printResult(value)].join('')), notes: [...warnings, ...infos] };
  } catch (thrown) {
    assert.ok(messageOf(thrown).length > 0);
    return undefined;
  }
}

function pointsOf(text: string): Points {
  const points = new Map<string, Map<number, string>>();
  type Point = readonly [number, unknown];
  const all = JSON.parse(text) as {
    readonly metric: Record<string, string>;
    readonly value?: Point;
    readonly histogram?: Point;
    readonly values?: readonly Point[];
    readonly histograms?: readonly Point[];
  }[];
  for (const { metric, value, histogram, values = [], histograms = [] } of all) {
    const own = new Map<number, string>();
    for (const point of [value, histogram, ...values, ...histograms]) {
      if (point !== undefined) own.set(Math.round(point[0] * 1000), JSON.stringify(point[1]));
    }
    points.set(JSON.stringify(metric), own);
  }
  return points;
}

/** The points of some times, without series that have none of them. */
function between(points: Points, fromMs: number, toMs: number): Points {
  const kept = new Map<string, Map<number, string>>();
  for (const [labels, own] of points) {
    const some = [...own].filter(([time]) => time >= fromMs && time <= toMs);
    if (some.length > 0) kept.set(labels, new Map(some));
  }
  return kept;
}

function sorted(points: Points): unknown {
  return [...points].map(([labels, own]) => [labels, [...own].sort(([a], [b]) => a - b)]).sort();
}

/** Each expression once, over five minutes more or less. */
function questions(): { readonly expression: string; readonly times: Times }[] {
  const seen = new Map<string, RecordedAnswer>();
  for (const answer of readAnswers()) {
    if (answer.error === undefined && answer.kind === 'range') seen.set(answer.expression, answer);
  }
  return [...seen.values()]
    .filter((_, i) => isSoak || i % 5 === 0)
    .map(({ expression, start, end, step }) => {
      const [startMs, stepMs] = [start * 1000, step * 1000];
      return { expression, times: { startMs, stepMs, endMs: Math.min(end * 1000, startMs + 9 * stepMs) } };
    });
}

/** Knows whether a select has seen the series that was added. */
class WithStranger extends FakeQueryable {
  readonly #labels: Labels;
  sawStranger = false;

  constructor(stranger: FakeSeries) {
    super([...series, stranger]);
    this.#labels = stranger.labels;
  }

  override select(request: RequestContext, matchers: readonly Matcher[], hints: SelectHints): SeriesSet {
    if (matchers.every((matcher) => matcher.matches(this.#labels.get(matcher.name)))) this.sawStranger = true;
    return super.select(request, matchers, hints);
  }
}

describe('every query', () => {
  const asked = questions();

  test('at one time has the value of a range at that time', async () => {
    let compared = 0;
    for (const { expression, times } of asked) {
      if (ofTheQuery.test(expression)) continue;
      const whole = await range(expression, times);
      if (whole === undefined) continue;
      for (const k of [0, 1, 4, 9]) {
        const timeMs = times.startMs + k * times.stepMs;
        if (timeMs > times.endMs) continue;
        const one = await instant(expression, timeMs);
        assert.ok(one !== undefined, expression);
        assert.deepEqual(
          sorted(one.points),
          sorted(between(whole.points, timeMs, timeMs)),
          `${expression} at ${timeMs}`,
        );
        compared++;
      }
    }
    assert.ok(compared > 300, `${compared}`);
  });

  test('over a range is what it is over both parts of it', async () => {
    let compared = 0;
    for (const { expression, times } of asked) {
      if (ofTheQuery.test(expression)) continue;
      const whole = await range(expression, times);
      if (whole === undefined) continue;
      for (const steps of [1, 5]) {
        const lastMs = times.startMs + (steps - 1) * times.stepMs;
        const nextMs = lastMs + times.stepMs;
        if (nextMs > times.endMs) continue;
        const left = await range(expression, { ...times, endMs: lastMs });
        const right = await range(expression, { ...times, startMs: nextMs });
        assert.ok(left !== undefined && right !== undefined, expression);
        assert.deepEqual(sorted(left.points), sorted(between(whole.points, -Infinity, lastMs)), expression);
        assert.deepEqual(sorted(right.points), sorted(between(whole.points, nextMs, Infinity)), expression);
        compared++;
      }
    }
    assert.ok(compared > 150, `${compared}`);
  });

  test('is the same whether the series come all at once or one by one', async () => {
    let compared = 0;
    for (const { expression, times } of asked) {
      const [together, apart] = [new FakeQueryable(series), new FakeQueryable(series)];
      together.batchSize = series.length;
      apart.batchSize = 1;
      const whole = await range(expression, times, together);
      assert.deepEqual(await range(expression, times, apart), whole, expression);
      if (whole !== undefined && whole.points.size > 0) compared++;
    }
    assert.ok(compared > 100, `${compared}`);
  });

  test('does not change with a series that it does not select', async () => {
    let compared = 0;
    for (const { expression, times } of asked) {
      const { startMs } = times;
      const points = Array.from({ length: 200 }, (_, i) => [startMs + (i - 100) * 15_000, i] as const);
      const labels = Labels.of({ __name__: 'a_stranger', stranger: 'yes' });
      const strange = new WithStranger({ labels, samples: samplesOf(points) });
      const more = await range(expression, times, strange);
      if (strange.sawStranger) continue;
      assert.deepEqual(more, await range(expression, times), expression);
      compared++;
    }
    assert.ok(compared > 100, `${compared}`);
  });
});
