// Joins what a command loads into a few files: a process that reads three hundred starts later. The programs are bundled
// in place, over the compiler's own output: the command line and the files of the worker threads
// stay where they were, what they share goes to `dist/chunks`. Everything else in dist (libraries, tests, tools) stays
// as the compiler wrote it. Plain JavaScript, like everything that runs before there is a build.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { rolldown } from 'rolldown';

/** Stands for the URL of a module until it is known in which file the module ends. */
const PLACE = /__urlOfModule\("([^"]+)"\)/g;
/** Loaded when a bucket needs them: npm installs these only where it can. */
const EXTERNAL = [/^@google-cloud\//, /^@azure\//];

/** Bundles these files of the folder `dist`, named by their paths in it; what they import is found from there. */
export async function bundle(dist, entries) {
  const bundled = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [entry.replace(/\.js$/, ''), join(dist, entry)])),
    platform: 'node',
    external: EXTERNAL,
    plugins: [placesKept(dist)],
    onLog(level, log) {
      // Third-party code, which we do not change.
      if (level === 'warn' && log.code === 'EVAL') return;
      console.error(`bundle: ${log.message}`);
    },
  });
  const { output } = await bundled.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // What each function is for stands in the sources; here it would only be memory.
    comments: false,
  });
  await bundled.close();
  const folders = new Set(output.flatMap(({ moduleIds = [] }) => moduleIds.map(packageFolder)));
  folders.delete(undefined);
  writeFileSync(join(dist, 'third-party-licenses.txt'), [...folders].sort().map(license).join('\n'));
}

/** A module of ours finds the files beside it by its own URL: that is kept, from wherever its code ends. */
function placesKept(dist) {
  return {
    name: 'places-kept',
    transform(code, id) {
      // The bundler's own parts are no files.
      if (!code.includes('import.meta') || !isAbsolute(id)) return null;
      const path = relative(dist, id).replaceAll(sep, '/');
      // It would not be found there once it is installed beside us.
      if (path.startsWith('..')) throw new Error(`${id} asks where it is: keep it out of the bundle`);
      return code.replaceAll('import.meta.url', `__urlOfModule(${JSON.stringify(path)})`);
    },
    renderChunk(code, { fileName }) {
      return code.replace(PLACE, (_, path) => {
        const place = relative(dirname(fileName), path).replaceAll(sep, '/');
        return `new URL(${JSON.stringify(place)}, import.meta.url).href`;
      });
    },
  };
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
