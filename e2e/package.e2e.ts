// The package as it is published: it holds what runs and no test, and works with nothing but its own dependencies beside it.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { projectRoot } from '../dev/golden.ts';
import { ours } from './harness/programs.ts';

/** The package whose build is tested. */
const home = join(dirname(ours.args[0]), '..', '..');
const blocks = join(projectRoot(), 'pkg', 'tsdb', 'testdata', 'basic');

/** Two blocks of one stream, by replica. */
const replicas = new Map([
  ['01HF7YAT00AAAAAAAAAAAAAAA1', 'a'],
  ['01HF7YAT00AAAAAAAAAAAAAAA2', 'b'],
]);

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

describe('the published package', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-package-'));
  const unpacked = join(directory, 'node_modules', 'tributary');
  let files: string[];
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeAll(() => {
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], {
      cwd: home,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ filename, files: listed }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
    files = listed.map(({ path }) => path);
    mkdirSync(unpacked, { recursive: true });
    execFileSync('tar', ['-xzf', join(directory, filename), '--strip-components=1', '-C', unpacked]);
    linkDependencies(join(directory, 'node_modules'));
  }, 120_000);

  test('holds programs, library, docs and examples, and no test', () => {
    for (const needed of [
      'bin/tributary',
      'dist/cmd/main.js',
      'dist/start.cjs',
      'dist/pkg/tsdb/library.d.ts',
      'README.md',
      'LICENSE',
    ]) {
      assert.ok(files.includes(needed), `${needed} is missing`);
    }
    assert.ok(
      files.some((path) => path.startsWith('dist/pkg/ui/static/')),
      'the page is missing',
    );
    const strange = files.filter((path) => /\.(test|fuzz|bench|e2e)\.|-fixture\.|^dist\/(dev|e2e|bench)\//.test(path));
    assert.deepEqual(strange, []);
  });

  test('runs its commands', () => {
    for (const args of [['--version'], ['query', '--help'], ['tools', 'bucket', 'ls', '--help']]) {
      const { status, stderr } = run(...args);
      assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
    }
  });

  test('has code beside its scripts that this Node takes as it is', () => {
    // Every script that is loaded says whether its code was refused; undefined when there is none.
    const code = `const start = require(${JSON.stringify(join(unpacked, 'dist', 'start.cjs'))});
      start.onCompiled = (_, script) => console.log(script.cachedDataRejected);
      start.load('cmd-main.cjs');`;
    const small = ['--max-semi-space-size=2', '--heap-growing-percent=75'];
    const commands = new Map<string, readonly string[]>([
      ['compact', []],
      ['store', ['--max-semi-space-size=4', '--heap-growing-percent=75']],
      ['query', small],
      ['sidecar', small],
    ]);
    const launcher = readFileSync(join(unpacked, 'bin', 'tributary'), 'utf8');
    for (const [command, settings] of commands) {
      assert.ok(launcher.includes(`exec node ${settings.map((one) => `${one} `).join('')}"$main"`));
      const args = [...settings, '-e', code, '--', 'tributary', command, '--help'];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      const refused = stdout.trim().split('\n');
      assert.ok(refused.length > 10, stderr);
      assert.deepEqual([...new Set(refused)], ['false'], command);
    }
  });

  test('lists a bucket, and merges its replicas in a thread', () => {
    const bucket = join(directory, 'bucket');
    for (const [ulid, replica] of replicas) addReplica(bucket, ulid, replica);
    const config = `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory: bucket } })}`;
    assert.deepEqual(run('tools', 'bucket', 'ls', config).stdout.trim().split('\n'), [...replicas.keys()]);
    const args = [config, `--data-dir=${join(directory, 'data')}`, '--http-address=127.0.0.1:0'];
    const { status, stderr } = run('compact', ...args, '--deduplication.replica-label=replica');
    assert.equal(status, 0, stderr);
    const merged = readdirSync(bucket).filter((name) => existsSync(join(bucket, name, 'index')) && !replicas.has(name));
    assert.equal(merged.length, 1, stderr);
    const meta = JSON.parse(readFileSync(join(bucket, merged[0], 'meta.json'), 'utf8'));
    assert.deepEqual(meta.compaction.sources, [...replicas.keys()]);
  });

  test('is a library', () => {
    const script = join(directory, 'query.mjs');
    cpSync(join(unpacked, 'examples', 'library', 'query-directory.mjs'), script);
    const block = join(blocks, readdirSync(blocks)[0]);
    const answer = execFileSync(process.execPath, [script, block, 'count(up)'], { encoding: 'utf8' });
    assert.ok(Number((JSON.parse(answer) as [{ value: [number, string] }])[0].value[1]) > 0, answer);
  });

  function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(join(unpacked, 'bin', 'tributary'), args, { cwd: directory, encoding: 'utf8' });
  }
});

function addReplica(bucket: string, ulid: string, replica: string): void {
  const block = join(bucket, ulid);
  cpSync(join(blocks, readdirSync(blocks)[0]), block, { recursive: true });
  const meta = JSON.parse(readFileSync(join(block, 'meta.json'), 'utf8'));
  const thanos = { labels: { replica }, downsample: { resolution: 0 }, source: 'sidecar' };
  const compaction = { level: 1, sources: [ulid] };
  writeFileSync(join(block, 'meta.json'), JSON.stringify({ ...meta, ulid, compaction, thanos }));
}

/** Each package that is needed to run, by a link: what only developers have is not there. */
function linkDependencies(modules: string): void {
  const lock = JSON.parse(readFileSync(join(projectRoot(), 'package-lock.json'), 'utf8')) as Lock;
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || dev === true || !existsSync(join(projectRoot(), path))) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(projectRoot(), path), join(modules, name));
  }
}
