// Joins what a command loads into a few files: a process that reads three hundred starts later. What is bundled goes to
// `dist/chunks`, as scripts and no modules, because Node keeps no cache of a module's code (dev/start.cjs loads them). The
// command line and the programs of the worker threads stay where they were, and lead there. Everything else in dist
// (libraries, tests, tools) stays as the compiler wrote it. Plain JavaScript, like everything that runs before there is a build.

import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** Loaded when a bucket needs them: npm installs these only where it can. */
const EXTERNAL = [/^@google-cloud\//, /^@azure\//];

/** Bundles these files of the folder `dist`, named by their paths in it; what they import is found from there. */
export async function bundle(dist, entries) {
  const bundled = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [scriptOf(entry), join(dist, entry)])),
    platform: 'node',
    external: EXTERNAL,
    plugins: [placesKept(dist), tablesLeft()],
    onLog(level, log) {
      // Third-party code, which we do not change.
      if (level === 'warn' && log.code === 'EVAL') return;
      console.error(`bundle: ${log.message}`);
    },
  });
  const { output } = await bundled.write({
    dir: dist,
    format: 'cjs',
    entryFileNames: 'chunks/[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
    // What each function is for stands in the sources; here it would only be memory.
    comments: false,
  });
  await bundled.close();
  for (const { fileName } of output) narrowText(join(dist, fileName));
  copyFileSync(fileURLToPath(new URL('start.cjs', import.meta.url)), join(dist, 'start.cjs'));
  for (const entry of entries) writeEntry(dist, entry);
  const folders = new Set(output.flatMap(({ moduleIds = [] }) => moduleIds.map(packageFolder)));
  folders.delete(undefined);
  writeFileSync(join(dist, 'third-party-licenses.txt'), [...folders].sort().map(license).join('\n'));
}

/** What an entry is called among the scripts. */
function scriptOf(entry) {
  return entry.replace(/\.js$/, '').replaceAll('/', '-');
}

/** An entry is a module, as all files of its name are. Beside it is one that is none, which starts sooner. */
function writeEntry(dist, entry) {
  const start = relative(join(dist, dirname(entry)), join(dist, 'start.cjs')).replaceAll(sep, '/');
  const load = `load('${scriptOf(entry)}.cjs');\n`;
  writeFileSync(join(dist, entry), `#!/usr/bin/env node\nimport { load } from '${start}';\n\n${load}`);
  writeFileSync(join(dist, entry.replace(/\.js$/, '.cjs')), `require('${start}').${load}`);
}

/** A module of ours finds the files beside it by its own URL: that is kept, from wherever its code ends. */
function placesKept(dist) {
  return {
    name: 'places-kept',
    transform(code, id) {
      // It is a function's body from here on.
      if (code.startsWith('#!')) return code.replace(/^.*\n/, '');
      // The bundler's own parts are no files.
      if (!code.includes('import.meta') || !isAbsolute(id)) return null;
      const path = relative(dist, id).replaceAll(sep, '/');
      // It would not be found there once it is installed beside us.
      if (path.startsWith('..')) throw new Error(`${id} asks where it is: keep it out of the bundle`);
      const place = `new URL(${JSON.stringify(`../${path}`)}, FOLDER_URL).href`;
      return code.replaceAll('.worker.js', '.worker.cjs').replaceAll('import.meta.url', place);
    },
  };
}

/** Tables of Chinese, Japanese and Korean character sets, which nothing of ours is written in, stay in their package. */
function tablesLeft() {
  return {
    name: 'tables-left',
    resolveId(name, importer = '') {
      const isTable = name.startsWith('./tables/') && packageFolder(importer)?.endsWith('/iconv-lite');
      return isTable ? { id: `iconv-lite/encodings/${name.slice(2)}`, external: true } : null;
    },
  };
}

/** V8 keeps the text of a script, with two bytes a character where one of them needs two: those are written as escapes. */
function narrowText(path) {
  const code = readFileSync(path, 'utf8');
  if (code.includes('String.raw')) throw new Error(`${path}: escapes would be seen in a raw text`);
  const narrow = code.replace(/[\u0100-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (narrow !== code) writeFileSync(path, narrow);
}

/** The folder of the package that a file outside of dist is of. */
function packageFolder(id) {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id.replaceAll(sep, '/'))?.[0];
}

/** Name, version and terms of a package whose code is in the bundle. */
function license(folder) {
  const { name, version, license: terms } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
  const text = file === undefined ? `License: ${terms}\n` : readFileSync(join(folder, file), 'utf8');
  return `${name} ${version}\n\n${text}\n${'-'.repeat(80)}\n`;
}
