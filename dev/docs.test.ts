// What the pages say about flags, metrics and files is true: checked against the commands, run with nothing to do.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../cmd/commands.ts';
import { main } from '../cmd/program.ts';
import { longNames } from '../pkg/config/flag.ts';
import { Labels } from '../pkg/model/labels.ts';
import { FakePrometheus } from '../pkg/sidecar/fake-prometheus.ts';
import { componentPages, EVERY_COMMAND, flagTables } from './docs.ts';
import { projectRoot } from './golden.ts';
import { freePort } from './peers.ts';

const root = projectRoot();
const componentsFolder = join(root, 'docs', 'components');

describe('flag tables', () => {
  test('are those of the code: run node dist/dev/docs.js after a build', async () => {
    for (const { path, current, wanted } of await componentPages()) expect(current, path).toBe(wanted);
  });

  test('of every command stand on one page', async () => {
    const tables = (await componentPages()).flatMap((page) => page.tables);
    expect([...tables].sort()).toEqual([EVERY_COMMAND, ...commands.map(({ name }) => name)].sort());
  });

  test('have every flag that a text names', async () => {
    const ours = new Set(['help', 'help-long', 'version']);
    for (const table of (await flagTables()).values()) {
      for (const [name, flag] of Object.entries(table)) for (const long of longNames(name, flag)) ours.add(long);
    }
    for (const [path, text] of texts()) {
      const unknown = [...text.matchAll(/(?<![\w-])--((?:no-)?[a-z][a-z0-9_.-]*[a-z0-9])/g)]
        .map(([, name]) => name)
        .filter((name) => !ours.has(name) && !ofOthers.test(name));
      expect(unknown, path).toEqual([]);
    }
  });
});

/** Flags of other programs and of our own scripts that texts name. */
const ofOthers = new RegExp(
  `^(${[
    'config\\.file|grpc-compression',
    'storage\\.tsdb\\.(path|min-block-duration|max-block-duration|retention\\.time|delay-compact-file\\.path)',
    'web\\.listen-address',
    'data-urlencode|data|get',
    'project|check|write|soak|only|rounds|wide|series|runs|memory|stops|large|serve|max-semi-space-size|heap-growing-percent|interrupt-budget',
    // Named because they are refused.
    'index-cache\\.config|store\\.limits\\.request-series|x|x-file',
  ].join('|')})$`,
);

describe('links', () => {
  for (const [path, text] of texts()) {
    test(`of ${path} point at something that is there`, () => {
      const targets = [...withoutCode(text).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target);
      const dead = targets.filter(
        (target) => !/^https?:/.test(target) && !existsSync(join(root, dirname(path), target)),
      );
      expect(dead).toEqual([]);
    });
  }
});

describe('metrics', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tributary-docs-'));
  const prometheus = new FakePrometheus({ series: [], externalLabels: Labels.of({ cluster: 'eu' }) });
  const bucket = `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory: scratch } })}`;
  const exported = new Map<string, ReadonlySet<string>>();
  let shared: ReadonlySet<string> = new Set();

  beforeAll(async () => {
    const url = await prometheus.start();
    const lines: readonly (readonly [string, readonly string[]])[] = [
      ['sidecar', [`--prometheus.url=${url}`, `--tsdb.path=${scratch}`, bucket]],
      ['store', [bucket, `--data-dir=${scratch}`]],
      // Nobody listens there; it is called all the same.
      ['query', [`--endpoint=127.0.0.1:${await freePort()}`]],
      ['compact', [bucket, `--data-dir=${join(scratch, 'compact')}`, '--wait']],
    ];
    for (const [name, flags] of lines) exported.set(name, await metricRows(name, flags));
    // The compactor has no gRPC server, whose metrics stand with those of every command.
    const [first, ...others] = [...exported].filter(([name]) => name !== 'compact').map(([, rows]) => rows);
    shared = new Set([...first].filter((row) => others.every((rows) => rows.has(row))));
  });
  afterAll(async () => {
    await prometheus.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const name of ['sidecar', 'store', 'query', 'compact']) {
    test(`of ${name} are those on its page`, () => {
      const own = [...exported.get(name)!].filter((row) => !shared.has(row));
      expect(documentedRows(`${name}.md`)).toEqual(own.sort());
    });
  }

  test('of all commands are those on the page for every command', () => {
    expect(documentedRows('every-command.md')).toEqual([...shared].sort());
  });
});

/** Every text for people, by its path from the root. */
function texts(): readonly (readonly [string, string])[] {
  const found = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
  for (const folder of ['docs', 'examples']) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
      if (entry.isFile() && /\.(md|sh|yaml)$/.test(entry.name)) {
        found.push(relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
      }
    }
  }
  return found.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]);
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```|`[^`\n]*`/g, '');
}

/** The rows of a page that are about metrics: `| name | type | meaning |`. */
function documentedRows(page: string): readonly string[] {
  const rows = readFileSync(join(componentsFolder, page), 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z_]+` \| (counter|gauge|histogram) \| /.test(line));
  assert.ok(rows.length > 0, page);
  return rows.sort();
}

/** Runs a command until it is ready, and gives what it exports, in the form of a page's rows. */
async function metricRows(name: string, flags: readonly string[]): Promise<ReadonlySet<string>> {
  const address = `127.0.0.1:${await freePort()}`;
  const grpc = name === 'compact' ? [] : ['--grpc-address=127.0.0.1:0'];
  const stop = new AbortController();
  let log = '';
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const ended = main([name, `--http-address=${address}`, ...grpc, ...flags], {
    stdout: { write() {} },
    stderr: {
      write(text) {
        log += text;
        if (log.includes('msg=ready')) isReady();
      },
    },
    env: {},
    stop: stop.signal,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  try {
    await Promise.race([ready, ended.then((code) => assert.fail(`${name} ended with ${code}: ${log}`))]);
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(10_000) });
    return rowsOf(await answer.text());
  } finally {
    stop.abort();
    await ended;
  }
}

/** What the runtime's own collector adds is described as a whole. */
function rowsOf(exposition: string): ReadonlySet<string> {
  const helps = new Map([...exposition.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [name, help]));
  const types = [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(
    ([, name]) => !/^(nodejs|process)_/.test(name),
  );
  return new Set(types.map(([, name, type]) => `| \`${name}\` | ${type} | ${helps.get(name)} |`));
}
