// Random expressions, well-formed and broken ones: our parser says of them what the real Prometheus says. Some hundred of
// them in every run, thousands in a soak.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { mapParallel } from '../pkg/async/parallel.ts';
import { messageOf } from '../pkg/errors/fault.ts';
import { parse } from '../pkg/promql/parser/parse.ts';
import { prettify } from '../pkg/promql/parser/pretty.ts';
import { RandomText } from '../pkg/promql/parser/random-text.ts';
import { treeJson } from '../pkg/promql/parser/tree-json.ts';
import { Cluster } from './harness/cluster.ts';
import { startPrometheus } from './harness/prometheus.ts';

const program = await peer('prometheus');
const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const EXPRESSIONS = isSoak ? 10_000 : 300;
const SEED = Number(process.env['TRIBUTARY_FUZZ_SEED'] ?? 5);

interface Said {
  /** The mistake, or the expression over several lines. */
  readonly text: string;
  readonly tree: unknown;
}

function saidByUs(expression: string): Said {
  try {
    const tree = parse(expression, { experimental: true, extendedRangeSelectors: true, fillModifiers: true });
    return { text: prettify(tree), tree: JSON.parse(JSON.stringify(treeJson(tree))) };
  } catch (thrown) {
    return { text: messageOf(thrown), tree: undefined };
  }
}

describe.skipIf(program === undefined)('beside a real Prometheus', () => {
  const cluster = new Cluster('promql-texts');
  let url = '';

  beforeAll(async () => {
    const directory = join(cluster.directory, 'data');
    mkdirSync(directory);
    ({ url } = await startPrometheus(cluster, program!, {
      name: 'texts',
      externalLabels: {},
      targets: [],
      scrapeInterval: '1m',
      blockDuration: '2h',
      retention: '1d',
      directory,
      features: ['promql-experimental-functions', 'promql-extended-range-selectors', 'promql-binop-fill-modifiers'],
    }));
  });
  afterAll(() => cluster.close());

  async function ask(path: string, expression: string): Promise<{ data?: unknown; error?: string }> {
    const body = new URLSearchParams({ query: expression });
    const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body });
    return (await response.json()) as { data?: unknown; error?: string };
  }

  for (const kind of ['expression', 'broken'] as const)
    test(`${EXPRESSIONS} texts (${kind}) mean the same, or are refused in the same words at the same place`, {
      timeout: isSoak ? 1_800_000 : 120_000,
    }, async () => {
      const random = new RandomText(SEED);
      const expressions = Array.from({ length: EXPRESSIONS }, () => random[kind]());
      const wrong: string[] = [];
      await mapParallel(expressions, 4, async (expression) => {
        const said = saidByUs(expression);
        const { data, error } = await ask('format_query', expression);
        const wanted = error?.replace(/^invalid parameter "query": /, '') ?? data;
        // A selector without anything is printed as nothing there, which would not parse again.
        const text = said.text.replaceAll(/(?<=, ?)\{\}(?=\))/g, '');
        if (said.text !== wanted && text !== wanted) wrong.push(`${expression}\n  ${said.text}\n  ${String(wanted)}`);
        if (error !== undefined || wrong.length > 0) return;
        assert.deepEqual(said.tree, (await ask('parse_query', expression)).data, expression);
      });
      assert.deepEqual(wrong, []);
    });
});
