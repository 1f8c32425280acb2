import { describe, expect, test } from 'vitest';
import { parseLink, printLink } from './link.ts';
import { newPanel, type Panel } from './panel.ts';

const server = { partialResponse: true };
const plain = newPanel(server);

describe('links of other pages open the same view', () => {
  test('a link of the reference', () => {
    const link =
      'g0.expr=up%0A&g0.tab=0&g0.stacked=1&g0.range_input=2h&g0.max_source_resolution=0s&g0.deduplicate=1' +
      '&g0.partial_response=0&g0.store_matches=%5B%7B%22name%22%3A%2210.0.0.1%3A10901%22%7D%5D&g0.engine=prometheus' +
      '&g0.analyze=0&g0.tenant=&g0.end_input=2026-01-01%2010%3A00%3A00&g0.moment_input=2026-01-01%2010%3A00%3A00';
    expect(parseLink(link, server)).toEqual([
      {
        ...plain,
        expr: 'up',
        tab: 'graph',
        display: 'stacked',
        rangeMs: 7_200_000,
        maxResolution: '0s',
        partialResponse: false,
        stores: ['10.0.0.1:10901'],
        endMs: Date.UTC(2026, 0, 1, 10),
      },
    ]);
  });

  test('a link of Prometheus, in the order of its panels', () => {
    const link =
      'g1.expr=b&g1.tab=table&g0.expr=a&g0.tab=graph&g0.display_mode=heatmap&g0.res_type=fixed&g0.res_step=60&g0.range_input=1d';
    expect(parseLink(link, server)).toEqual([
      { ...plain, expr: 'a', display: 'heatmap', step: '1m', rangeMs: 86_400_000 },
      { ...plain, expr: 'b', tab: 'table' },
    ]);
  });

  for (const [text, ms] of [
    ['2026-01-31 17:05:09', Date.UTC(2026, 0, 31, 17, 5, 9)],
    ['2026-01-31T17:05:09Z', Date.UTC(2026, 0, 31, 17, 5, 9)],
    ['2026-01-31T17:05:09+02:00', Date.UTC(2026, 0, 31, 15, 5, 9)],
    ['1700000000.5', 1_700_000_000_500],
  ] as const) {
    test(`the time ${text}`, () => {
      expect(parseLink(new URLSearchParams({ 'g0.end_input': text }).toString(), server)[0].endMs).toBe(ms);
    });
  }
});

describe('what cannot be read is left at its default', () => {
  for (const [name, value] of [
    ['range_input', 'long'],
    ['range_input', '0s'],
    ['end_input', 'yesterday'],
    ['step_input', '-5'],
    ['store_matches', '{"name"'],
    ['store_matches', '[null, 3, {}]'],
    ['max_source_resolution', 'fine'],
    ['sort', 'colour'],
    ['display_mode', 'pie'],
    ['picked', '[1'],
    ['lookback', '5 minutes'],
    ['deduplicate', ''],
  ]) {
    test(`${name}=${value}`, () => {
      const form = new URLSearchParams({ 'g0.expr': 'up', [`g0.${name}`]: value });
      expect(parseLink(form.toString(), server)).toEqual([{ ...plain, expr: 'up' }]);
    });
  }

  test('a link without panels is one empty panel', () => {
    expect(parseLink('a=b&g0expr=up', server)).toEqual([plain]);
  });

  test('no more than fifty panels are opened', () => {
    const link = Array.from({ length: 200 }, (_, i) => `g${i}.expr=up`).join('&');
    expect(parseLink(link, server)).toHaveLength(50);
  });
});

describe('a link that is printed opens the same panels', () => {
  const full: Panel = {
    expr: 'sum by (a) (rate({"x y"="1",b=~"<.*>&"}[5m])) > 0 # 100 %',
    tab: 'explain',
    rangeMs: 5_400_000,
    endMs: Date.UTC(2026, 1, 3, 4, 5, 6),
    step: '2m30s',
    display: 'stacked',
    dedup: false,
    partialResponse: false,
    maxResolution: '1h',
    stores: ['a:1', '[::1]:2'],
    replicaLabels: ['replica', 'r2'],
    lookback: '10m',
    filter: 'job=x -y /a|b/',
    sort: 'max',
    picked: ['{a="1"}', 'up{b="\\""}'],
  };
  for (const [what, panels] of [
    ['an empty panel', [plain]],
    ['everything changed', [full]],
    ['several', [plain, full, { ...plain, expr: 'up', tab: 'table', display: 'heatmap' }]],
  ] as const) {
    test(what, () => {
      expect(parseLink(printLink(panels, server), server)).toEqual(panels);
    });
  }

  test('also where the server has other defaults', () => {
    const strict = { partialResponse: false };
    const panels = [{ ...newPanel(strict), expr: 'up' }];
    expect(parseLink(printLink(panels, strict), strict)).toEqual(panels);
    expect(parseLink(printLink([{ ...plain, expr: 'up' }], strict), strict)[0].partialResponse).toBe(true);
  });

  test('it has the names of the reference', () => {
    const form = new URLSearchParams(printLink([full], server));
    expect(Object.fromEntries(form)).toMatchObject({
      'g0.range_input': '1h30m',
      'g0.end_input': '2026-02-03 04:05:06',
      'g0.moment_input': '2026-02-03 04:05:06',
      'g0.step_input': '2m30s',
      'g0.stacked': '1',
      'g0.deduplicate': '0',
      'g0.partial_response': '0',
      'g0.max_source_resolution': '1h',
      'g0.store_matches': '[{"name":"a:1"},{"name":"[::1]:2"}]',
    });
  });

  test('a choice of very many series stays out of it', () => {
    const picked = Array.from({ length: 1000 }, (_, i) => `series{number="${i}"}`);
    expect(printLink([{ ...plain, picked }], server).length).toBeLessThan(200);
  });
});
