// How soon a query notices that it has to stop: counted in work, not in time. Between two looks at the signal there is a
// bounded number of samples read and labels looked at, however many series and steps there are.

import assert from 'node:assert/strict';
import { afterEach, describe, test, vi } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Engine } from './engine.ts';
import { FakeQueryable, samplesOf } from './fake-queryable.ts';

/** Some milliseconds on a slow machine. */
const MOST_WORK = 50_000;
const SERIES = 6_000;
const SAMPLES = 31;
const HALF_HOUR = 1_800_000;

const engine = new Engine({
  lookbackMs: 300_000,
  timeoutMs: Infinity,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
});
const samples = samplesOf(Array.from({ length: SAMPLES }, (_, i) => [i * 60_000, (i * 7) % 11] as const));
// The order of the label `r` is not that of the series.
const series = Array.from({ length: SERIES }, (_, i) => ({
  labels: Labels.of({ __name__: 'm_bucket', i: `${i >> 3}`, le: `${i % 8}`, r: `r${(i * 7919) % SERIES}` }),
  samples,
}));

/** Counts looks at a signal, and what is done between them. */
class Watched {
  readonly controller = new AbortController();
  looks = 0;
  total = 0;
  most = 0;
  #work = 0;

  /** Aborts at look number `abortAt`. */
  constructor(abortAt = Infinity) {
    const { signal } = this.controller;
    let isAborted = false;
    Object.defineProperty(signal, 'aborted', {
      get: () => {
        this.#work = 0;
        if (++this.looks >= abortAt && !isAborted) {
          isAborted = true;
          this.controller.abort();
        }
        return isAborted;
      },
    });
  }

  did(work: number): void {
    this.#work += work;
    this.total += work;
    this.most = Math.max(this.most, this.#work);
  }
}

/** Reads without ever waiting, and without looking at the signal itself. */
class Restless extends FakeQueryable {
  readonly #watched: Watched;

  constructor(watched: Watched) {
    super(series);
    this.#watched = watched;
  }

  override select(...[request, matchers, hints]: Parameters<FakeQueryable['select']>) {
    const { batches, warnings } = super.select({ ...request, signal: new AbortController().signal }, matchers, hints);
    return { warnings, batches: this.#counted(batches) };
  }

  async *#counted(batches: ReturnType<FakeQueryable['select']>['batches']) {
    for await (const batch of batches) {
      yield batch.map((one) => ({
        labels: one.labels,
        readInto: (into: Parameters<typeof one.readInto>[0]) => {
          const before = into.length;
          one.readInto(into);
          this.#watched.did(into.length - before);
        },
      }));
    }
  }
}

function run(expression: string, watched: Watched): Promise<unknown> {
  const get = Labels.prototype.get;
  vi.spyOn(Labels.prototype, 'get').mockImplementation(function (this: Labels, name: string) {
    watched.did(1);
    return get.call(this, name);
  });
  const request = backgroundRequest(watched.controller.signal);
  const queryable = new Restless(watched);
  return expression.startsWith('sort')
    ? engine.instant(request, queryable, { expression, timeMs: HALF_HOUR })
    : engine.range(request, queryable, { expression, startMs: 0, endMs: HALF_HOUR, stepMs: 60_000 });
}

describe('a query looks at its signal at bounded intervals, and stops where it sees that it has to', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  for (const expression of [
    'm_bucket',
    'sum by (le) (rate(m_bucket[5m]))',
    'label_replace(m_bucket, "n", "$1", "r", "r(.*)")',
    'histogram_quantile(0.9, m_bucket)',
    'topk by (le) (3, m_bucket)',
    'm_bucket + on (i, le) m_bucket',
    'max(max_over_time(rate(m_bucket[2m])[10m:1m]))',
    'sort_by_label(m_bucket, "r", "le")',
    'sort(m_bucket)',
    'count_values("v", m_bucket)',
    'm_bucket unless on (r) m_bucket',
    'quantile(0.5, m_bucket)',
  ]) {
    test(expression, async () => {
      const whole = new Watched();
      await run(expression, whole);
      assert.ok(whole.total > SERIES, `only ${whole.total} units of work were seen`);
      assert.ok(whole.most <= MOST_WORK, `${whole.most} units of work without a look, of ${whole.total}`);
      vi.restoreAllMocks();

      const stopped = new Watched(Math.ceil(whole.looks / 3));
      await assert.rejects(run(expression, stopped), (thrown) => kindOf(thrown) === 'canceled');
      // It saw it once more, to say why it ends.
      assert.ok(stopped.most <= MOST_WORK && stopped.total < whole.total, `${stopped.total} of ${whole.total}`);
    });
  }
});
