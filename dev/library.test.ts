// What package.json exports is there, and what it gives a browser is for a browser.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { projectRoot } from './golden.ts';

const root = projectRoot();

interface Conditions {
  readonly [condition: string]: string | Conditions;
}

function targetsOf(entry: string | Conditions): string[] {
  return typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(targetsOf);
}

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Readonly<Record<string, string | Conditions>>;
  bin: Readonly<Record<string, string>>;
};

describe('package.json', () => {
  for (const target of [...Object.values(exports).flatMap(targetsOf), ...Object.values(bin)]) {
    if (!target.startsWith('./dist/') && !target.startsWith('dist/')) continue;
    test(`${target} is made of a source`, () => {
      const path = target.replace(/^(\.\/)?dist\//, '').replace(/(\.d\.ts|\.js)$/, '.ts');
      assert.ok(existsSync(join(root, path)), `there is no ${path}`);
    });
  }

  test('exports blocks, buckets and queries', () => {
    for (const name of ['./tsdb', './objstore', './promql']) assert.ok(exports[name] !== undefined, name);
  });
});

for (const [what, entry] of [
  ['blocks', 'pkg/tsdb/library-browser.ts'],
  ['queries', 'pkg/promql/library.ts'],
] as const)
  test(`what a browser gets of ${what} needs nothing of Node`, { timeout: 60_000 }, async () => {
    const { build } = await import('vite');
    const result = await build({
      root,
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        minify: false,
        lib: { entry: join(root, entry), formats: ['es'], fileName: 'library' },
      },
    });
    const outputs = Array.isArray(result) ? result.flatMap(({ output }) => output) : [];
    const chunks = outputs.flatMap((output) => (output.type === 'chunk' ? [output] : []));
    assert.ok(chunks.length > 0);
    for (const { imports, dynamicImports, code, moduleIds } of chunks) {
      assert.deepEqual([...imports, ...dynamicImports], []);
      // What stands for a module of Node when one is imported after all.
      const strange = moduleIds.filter((id) => id.includes('__vite-browser-external') || id.startsWith('node:'));
      assert.deepEqual(strange, []);
      assert.ok(!/\bBuffer\.(from|alloc|concat)\b|\brequire\(/.test(code), 'the code uses what only Node has');
    }
  });
