import { expect, test } from 'vitest';
import { compareLabels, Labels } from '../model/labels.ts';
import { PrefixOrder } from './prefix-order.ts';

function finalOrder(inner: readonly Labels[], external: Labels): { labels: string[]; mostHeld: number } {
  const order = new PrefixOrder();
  const out: Labels[] = [];
  let pushed = 0;
  let mostHeld = 0;
  for (const labels of inner) {
    for (const series of order.push({ labels: labels.with(external), chunks: [] })) out.push(series.labels);
    mostHeld = Math.max(mostHeld, ++pushed - out.length);
  }
  for (const series of order.end()) out.push(series.labels);
  return { labels: out.map(String), mostHeld };
}

test('a series whose labels begin those of the next moves behind it when the added label does', () => {
  const inner = [
    Labels.of({ __name__: 'up' }),
    Labels.of({ __name__: 'up', a: '1' }),
    Labels.of({ __name__: 'up', z: '1' }),
  ];
  const { labels } = finalOrder(inner, Labels.of({ cluster: 'eu' }));
  expect(labels).toEqual([
    '{__name__="up", a="1", cluster="eu"}',
    '{__name__="up", cluster="eu"}',
    '{__name__="up", cluster="eu", z="1"}',
  ]);
});

test('random label sets come out sorted, with few held at a time', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const sets = new Map<string, Labels>();
    for (let i = 0; i < 40; i++) {
      const pairs: [string, string][] = [];
      for (const name of ['__name__', 'a', 'c', 'e', 'g', 'z'])
        if (random(2) === 0) pairs.push([name, String(random(3))]);
      const labels = Labels.from(pairs);
      sets.set(labels.key, labels);
    }
    const external = Labels.of({ b: 'x', d: 'y', [random(2) === 0 ? 'zz' : 'A']: '1' });
    const inner = [...sets.values()].sort(compareLabels);
    const wanted = inner.map((labels) => labels.with(external)).sort(compareLabels);
    const { labels, mostHeld } = finalOrder(inner, external);
    expect(labels).toEqual(wanted.map(String));
    expect(mostHeld).toBeLessThanOrEqual(7);
  }
});

test('the parts of a series that goes on in the next frame stay together', () => {
  const order = new PrefixOrder();
  const labels = Labels.of({ a: '1' });
  const slice = { table: {} as never, from: 0, to: 1 };
  expect(order.push({ labels, chunks: [slice] })).toEqual([]);
  expect(order.push({ labels, chunks: [slice] })).toEqual([]);
  expect(order.end()).toEqual([{ labels, chunks: [slice, slice] }]);
});
