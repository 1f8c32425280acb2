// Series as text, and which of them a filter keeps.

import type { SeriesLabels } from './decode.ts';

/** `name{a="1",b="2"}`, labels in the order they came; `{}` for none. */
export function seriesText(labels: SeriesLabels): string {
  const name = labels['__name__'] ?? '';
  const pairs = Object.entries(labels)
    .filter(([label]) => label !== '__name__')
    .map(
      ([label, value]) => `${/^[a-zA-Z_]\w*$/.test(label) ? label : JSON.stringify(label)}=${JSON.stringify(value)}`,
    );
  if (pairs.length === 0) return name === '' ? '{}' : name;
  return `${name}{${pairs.join(',')}}`;
}

/** Labels that differ between these series: what tells them apart. Those that all share can be said once. */
export function tellingLabels(series: readonly SeriesLabels[]): {
  readonly shared: SeriesLabels;
  readonly telling: ReadonlySet<string>;
} {
  const telling = new Set<string>();
  const first = series[0];
  if (first === undefined) return { shared: {}, telling };
  const shared = new Map(Object.entries(first));
  for (const labels of series) {
    for (const [name, value] of [...shared]) {
      if (labels[name] !== value) {
        shared.delete(name);
        telling.add(name);
      }
    }
    for (const name of Object.keys(labels)) if (!shared.has(name)) telling.add(name);
  }
  return { shared: Object.fromEntries(shared), telling };
}

/**
 * A test of a series' text. Words are separated by spaces and all have to be found, whatever their case; `-word` must not
 * be; `/…/` is a regular expression. A regular expression that is none is looked for as it stands.
 */
export function seriesFilter(filter: string): (text: string) => boolean {
  const tests = (filter.match(/-?\/(?:\\.|[^/])+\/|\S+/g) ?? []).map((word) => {
    const isNegated = word.length > 1 && word.startsWith('-');
    const test = wordTest(isNegated ? word.slice(1) : word);
    return isNegated ? (text: string) => !test(text) : test;
  });
  return (text) => tests.every((test) => test(text));
}

function wordTest(word: string): (text: string) => boolean {
  if (word.length > 2 && word.startsWith('/') && word.endsWith('/')) {
    try {
      const regexp = new RegExp(word.slice(1, -1), 'i');
      return (text) => regexp.test(text);
    } catch {
      // Looked for as it stands.
    }
  }
  // `job=shop` finds `job="shop"`.
  const wanted = word.toLowerCase().replaceAll('"', '');
  return (text) => text.toLowerCase().replaceAll('"', '').includes(wanted);
}
