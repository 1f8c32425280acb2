// info(): series with the labels of info series that have the same `instance` and `job`, such as `target_info`.

import { Fault } from '../../errors/fault.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { newStepColumn, type StepColumn, setHistogram } from '../functions/step-column.ts';
import type { Select } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { inBatches, readAll } from './batches.ts';
import { lookBack } from './look-back.ts';
import { UniqueColumns } from './names.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { meterOf, selected } from './selected.ts';

/** What tells which info series belongs to a series. */
const IDENTIFYING = ['instance', 'job'] as const;

export interface InfoConfig {
  /** Info series, by name and by the labels asked for; those of `instance` and `job` are added here. */
  readonly info: Select;
  /** Of the select's matchers those about labels that are wanted; all labels are when there are none. */
  readonly labels: readonly Matcher[];
  readonly steps: Steps;
}

interface InfoSeries {
  readonly labels: Labels;
  readonly present: Uint8Array;
  /** In ms, of the sample that counts at each step. */
  readonly times: Float64Array;
}

/** The labels that info series give at every step; undefined where there is no such series. */
type Additions = (k: number) => Labels | undefined;

export class InfoOperator implements Operator {
  readonly #operand: Operator;
  readonly #config: InfoConfig;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, config: InfoConfig, evaluation: Evaluation) {
    this.#operand = operand;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  /** Keeps all series. Throws `execution` where two info series contradict each other or are no info series. */
  async *run(): Batches {
    const all = await readAll(this.#operand.run());
    const plain = all.filter(({ labels }) => !this.#isInfo(labels));
    const additions = await this.#additions(plain);
    const results = new UniqueColumns();
    const isOptional = this.#config.labels.every((matcher) => matcher.matchesEmpty);
    for (const series of all) {
      if (this.#isInfo(series.labels)) results.add(series);
      else for (const part of enriched(series, additions.get(keyOf(series.labels)), isOptional)) results.add(part);
    }
    yield* inBatches(results.series());
  }

  /** Whether a series is an info series itself. */
  #isInfo(labels: Labels): boolean {
    const name = labels.get(METRIC_NAME);
    const { matchers } = this.#config.info;
    return matchers.every((matcher) => matcher.name !== METRIC_NAME || matcher.matches(name));
  }

  async #additions(series: readonly SeriesColumn[]): Promise<Map<string, Additions>> {
    const byKey = new Map<string, InfoSeries[]>();
    for await (const info of this.#infoSeries(series)) {
      const key = keyOf(info.labels);
      const group = byKey.get(key);
      if (group === undefined) byKey.set(key, [info]);
      else group.push(info);
    }
    return new Map([...byKey].map(([key, group]) => [key, this.#additionsOf(group)]));
  }

  async *#infoSeries(series: readonly SeriesColumn[]): AsyncGenerator<InfoSeries> {
    const { info, steps } = this.#config;
    const identifying = matchersOf(series);
    if (identifying.length === 0) return;
    const select = { ...info, matchers: [...info.matchers, ...identifying] };
    const { lookbackMs } = this.#evaluation;
    const meter = meterOf(select, this.#evaluation);
    const firstMs = (info.atMs ?? steps.startMs) - info.offsetMs;
    const stepMs = info.atMs === undefined ? steps.stepMs : 0;
    const scratch = new SampleBuffer();
    for await (const batch of selected(select, meter, this.#evaluation)) {
      for (const found of batch) {
        const { labels } = found;
        scratch.clear();
        found.readInto(scratch);
        meter.sampleCount += scratch.length;
        const column = newStepColumn(steps.count);
        const count = lookBack(scratch, { firstMs, stepMs, lookbackMs, value: 'sample' }, column);
        if (count === 0) continue;
        this.#evaluation.samples.touch(count);
        if (column.histograms !== undefined)
          throw new Fault('execution', `this should be an info metric, with float samples: ${labels}`);
        lookBack(scratch, { firstMs, stepMs, lookbackMs, value: 'timestamp' }, column);
        yield { labels, present: column.present, times: column.values.map((seconds) => Math.round(seconds * 1000)) };
      }
    }
  }

  /** Of info series of one name the one with the newest sample counts. */
  #additionsOf(group: readonly InfoSeries[]): Additions {
    const known = new Map<string, Labels>();
    return (k) => {
      const newest = new Map<string, number>();
      for (let i = 0; i < group.length; i++) {
        if (group[i].present[k] === 0) continue;
        const name = group[i].labels.get(METRIC_NAME);
        const other = newest.get(name);
        if (other !== undefined && group[other].times[k] === group[i].times[k])
          throw duplicate(group[other], group[i], k);
        if (other === undefined || group[other].times[k] < group[i].times[k]) newest.set(name, i);
      }
      if (newest.size === 0) return undefined;
      const key = [...newest.values()].join(' ');
      let labels = known.get(key);
      if (labels === undefined) {
        known.set(key, (labels = this.#merged([...newest.values()].map((i) => group[i].labels))));
      }
      return labels;
    };
  }

  #merged(infos: readonly Labels[]): Labels {
    const wanted = new Set(this.#config.labels.map(({ name }) => name));
    const merged = new Map<string, string>();
    for (const labels of infos) {
      for (const [name, value] of labels) {
        if (name === METRIC_NAME || IDENTIFYING.some((identifying) => identifying === name)) continue;
        if (wanted.size > 0 && !wanted.has(name)) continue;
        if ((merged.get(name) ?? value) !== value) throw new Fault('execution', `conflicting label: ${name}`);
        merged.set(name, value);
      }
    }
    return Labels.from([...merged]);
  }
}

function keyOf(labels: Labels): string {
  return IDENTIFYING.map((name) => `${labels.get(name).length}:${labels.get(name)}`).join('');
}

/** Only info series of values that the series have are of interest; none are when the series have no such label. */
function matchersOf(series: readonly SeriesColumn[]): Matcher[] {
  const matchers: Matcher[] = [];
  for (const name of IDENTIFYING) {
    const values = new Set(series.map(({ labels }) => labels.get(name)));
    values.delete('');
    if (values.size === 0) continue;
    matchers.push(new Matcher('=~', name, [...values].sort().map(escaped).join('|')));
  }
  return matchers;
}

function escaped(value: string): string {
  return value.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** A series for each set of labels it has at some step. Without info series it stays as it is, or goes. */
function enriched(series: SeriesColumn, additions: Additions | undefined, isOptional: boolean): SeriesColumn[] {
  const { labels, column, dropName } = series;
  if (additions === undefined) return isOptional ? [series] : [];
  const parts = new Map<Labels | undefined, StepColumn>();
  for (let k = 0; k < column.present.length; k++) {
    if (column.present[k] === 0) continue;
    const added = additions(k);
    if (added === undefined && !isOptional) continue;
    let part = parts.get(added);
    if (part === undefined) parts.set(added, (part = newStepColumn(column.present.length)));
    const histogram = column.histograms?.[k];
    if (histogram === undefined) part.values[k] = column.values[k];
    else setHistogram(part, k, histogram);
    part.present[k] = 1;
  }
  // The series' own labels win.
  return [...parts].map(([added, part]) => ({
    labels: added === undefined ? labels : added.with(labels),
    column: part,
    dropName,
  }));
}

function duplicate(a: InfoSeries, b: InfoSeries, k: number): Fault {
  const [existing, added] = [a, b].map(({ labels, times }) => `${labels} @ ${times[k]}`);
  return new Fault('execution', `found duplicate series for info metric: existing ${existing}, new ${added}`);
}
