import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { peer } from '../../dev/peers.ts';
import { blockColumns } from '../../pkg/block/block-table.ts';
import { ran as tributary } from '../main-fixture.ts';

const configOf = (directory: string): string =>
  `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory } })}`;
const ULIDS = ['01HF7YAT00AAAAAAAAAAAAAAAA', '01HF7YAT00AAAAAAAAAAAAAAAB'];

let odd: string;
beforeAll(() => {
  odd = mkdtempSync(join(tmpdir(), 'tools-'));
  for (const [i, [minTime, maxTime, numSamples, resolution]] of [
    [1_718_668_800_123, 1_718_676_000_999, 1_234_567, 0],
    [1_718_668_801_500, 1_718_676_000_250, 12, 300_000],
  ].entries()) {
    mkdirSync(join(odd, ULIDS[i]));
    const labels = { a: 'b "q", é', z: '<x>' };
    const thanos = { version: 1, labels, downsample: { resolution }, source: '', index_stats: {} };
    const meta = {
      ulid: ULIDS[i],
      minTime,
      maxTime,
      stats: { numSamples },
      compaction: { level: 1, failed: true },
      version: 1,
      thanos,
    };
    writeFileSync(join(odd, ULIDS[i], 'meta.json'), JSON.stringify(meta));
  }
});
afterAll(() => rmSync(odd, { recursive: true, force: true }));

describe('tools bucket ls', () => {
  test('prints identifiers', async () => {
    const { code, out } = await tributary('tools', 'bucket', 'ls', configOf(odd));
    assert.equal(code, 0);
    assert.equal(out, `${ULIDS.join('\n')}\n`);
  });

  test('-o wide prints whole seconds', async () => {
    const { out } = await tributary('tools', 'bucket', 'ls', configOf(odd), '-o', 'wide');
    assert.equal(
      out,
      `${ULIDS[0]} -- 2024-06-18T00:00:00Z - 2024-06-18T02:00:00Z Diff: 2h0m0s, Compaction: 1, Downsample: 0, Source: \n` +
        `${ULIDS[1]} -- 2024-06-18T00:00:01Z - 2024-06-18T02:00:00Z Diff: 1h59m59s, Compaction: 1, Downsample: 300000, Source: \n`,
    );
  });

  test('leaves out blocks outside a window, and marked ones when asked', async () => {
    const mark = join(odd, ULIDS[0], 'deletion-mark.json');
    writeFileSync(mark, `{"id":"${ULIDS[0]}","version":1,"deletion_time":1}`);
    try {
      assert.equal((await tributary('tools', 'bucket', 'ls', configOf(odd))).out.split('\n').length, 3);
      const excluded = await tributary('tools', 'bucket', 'ls', configOf(odd), '--exclude-delete');
      assert.equal(excluded.out, `${ULIDS[1]}\n`);
      const window = await tributary('tools', 'bucket', 'ls', configOf(odd), '--max-time=2024-06-18T00:00:01Z');
      assert.equal(window.out, `${ULIDS[0]}\n`);
    } finally {
      rmSync(mark);
    }
  });

  test('shows the blocks that relabel rules select, from the command line or a file', async () => {
    const rules = `[{action: keep, source_labels: [__block_id], regex: ${ULIDS[1]}}]`;
    const given = await tributary('tools', 'bucket', 'ls', configOf(odd), `--selector.relabel-config=${rules}`);
    assert.equal(given.out, `${ULIDS[1]}\n`);
    const file = join(odd, 'rules.yaml');
    writeFileSync(file, `- {action: drop, source_labels: [z, a], regex: '<x>;b "q", .'}`);
    const read = await tributary('tools', 'bucket', 'ls', configOf(odd), `--selector.relabel-config-file=${file}`);
    assert.deepEqual([read.code, read.out], [0, '']);
  });

  for (const [what, flags, code, message] of [
    ['a template that is none', ['-o', '{{.ULID'], 1, /invalid template: unclosed action/],
    ['a template of more than we have', ['-o', '{{template .ULID}}'], 1, /template is not known here/],
    ['a field there is not', ['-o', '{{.Nope}}'], 1, /can't evaluate field Nope/],
    ['a relabelling that changes labels', ['--selector.relabel-config=[{}]'], 1, /selector\.relabel-config.*rule 1/],
    ['a time that is none', ['--min-time=soon'], 2, /min-time/],
  ] as const) {
    test(`refuses ${what} by name`, async () => {
      const ran = await tributary('tools', 'bucket', 'ls', configOf(odd), ...flags);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, message);
      assert.equal(ran.out, '');
    });
  }

  for (const [what, config, message] of [
    ['a type nobody knows', '{type: TAPE}', /no bucket type/],
    ['a type that is not built', '{type: swift, config: {}}', /SWIFT is not supported: use type S3/],
    ['no directory', '{type: filesystem, config: {}}', /config\.directory: is required/],
    [
      'an unknown key',
      '{type: FILESYSTEM, config: {directory: x}, prefx: y}',
      /unknown key "prefx", did you mean "prefix"/,
    ],
    ['text that is no YAML', '{type: [', /YAML/],
  ] as const) {
    test(`says what is wrong with a bucket configuration of ${what}`, async () => {
      const ran = await tributary('tools', 'bucket', 'ls', `--objstore.config=${config}`);
      assert.equal(ran.code, 1, ran.err);
      assert.match(ran.err.replaceAll('\\"', '"'), message);
    });
  }
});

describe('tools bucket inspect', () => {
  test('prints a table, centred above and aligned below', async () => {
    const { code, out } = await tributary('tools', 'bucket', 'inspect', configOf(odd), '-l', 'z="<x>"');
    assert.equal(code, 0);
    const lines = out.split('\n');
    assert.equal(new Set(lines.slice(0, 4).map((line) => [...line].length)).size, 1);
    assert.match(lines[2], /\| 2h0m0\.876s +\| 37h59m59\.124s \| 0 +\| 1,234,567 \|/);
    const none = await tributary('tools', 'bucket', 'inspect', configOf(odd), '-l', 'z="y"', '--output=csv');
    assert.equal(none.out, `${blockColumns.join(',')}\n`);
  });
});

const thanos = await peer('thanos');
const golden = goldenDir();
describe.skipIf(thanos === undefined || golden === undefined)(
  'beside a real Thanos (needs golden data and thanos)',
  () => {
    const reference = (directory: string, ...argv: readonly string[]): string =>
      execFileSync(thanos ?? '', [...argv, configOf(directory), '--log.level=error'], { encoding: 'utf8' });
    const after = (): string => join(golden ?? '', 'bucket', 'main', 'after');

    for (const form of [
      '',
      'wide',
      'json',
      '{{.ULID}} {{.MinTime}} {{.Thanos.Labels}} {{.Thanos.Labels.region}} {{.Compaction.Failed}}',
      '{{.Stats}}|{{.Thanos.Downsample}}|{{.Thanos.Files}}|{{.Thanos.IndexStats}}|{{.Thanos}}|{{.Compaction}}|{{.BlockMeta}}',
      '{{index .Thanos.Labels "replica"}}-{{len .Compaction.Sources}}-{{printf "%d/%-12s/%06d" .MinTime .Thanos.Source .Compaction.Level}}',
      '{{range .Compaction.Sources}}{{.}},{{else}}none{{end}}',
      '{{if .Thanos.Labels.replica}}A {{- .Thanos.Labels.replica -}} B{{else}}none{{end}} {{if .Thanos.Files}}{{(index .Thanos.Files 0).RelPath}}{{end}} {{.ULID | printf "%q"}}',
    ]) {
      test(`ls -o '${form}' prints what it prints, in order`, async () => {
        const argv = ['tools', 'bucket', 'ls', `--output=${form}`];
        for (const directory of [odd, after()]) {
          const theirs = reference(directory, ...argv);
          const { out } = await tributary(...argv, configOf(directory));
          const pieces = (text: string) => text.split(form === 'json' ? /(?<=^\}\n)/m : '\n').sort();
          assert.deepEqual(pieces(out), pieces(theirs));
        }
      });
    }

    for (const form of ['table', 'tsv', 'csv']) {
      test(`inspect --output=${form} is the same to the byte`, async () => {
        const argv = ['tools', 'bucket', 'inspect', `--output=${form}`, '--sort-by=FROM', '--sort-by=ULID'];
        for (const directory of [odd, after()]) {
          assert.equal((await tributary(...argv, configOf(directory))).out, reference(directory, ...argv));
        }
      });
    }

    test('inspect sorts every column the same way', async () => {
      for (const column of blockColumns) {
        const argv = ['tools', 'bucket', 'inspect', '--output=tsv', `--sort-by=${column}`, '--sort-by=ULID'];
        assert.equal((await tributary(...argv, configOf(after()))).out, reference(after(), ...argv), column);
      }
    });

    test('inspect selects the same blocks', async () => {
      const argv = ['tools', 'bucket', 'inspect', '-l', 'cluster="ha"', '-l', 'replica="A"', '--sort-by=ULID'];
      assert.equal((await tributary(...argv, configOf(after()))).out, reference(after(), ...argv));
    });
  },
);
