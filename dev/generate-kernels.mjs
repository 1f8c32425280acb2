// Compiles the AssemblyScript kernels of pkg/**/kernels/assembly into generated files beside that folder: each module as
// base64, so that it loads synchronously, from source, from the build and in a browser alike. Plain JavaScript, like
// everything that runs before there is a build.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Each module has an entry file in `assembly`, and goes into a file of its own. Its memory has so many pages of 64 KiB, or is
 * the caller's, who knows how much it takes.
 */
const folder = 'pkg/tsdb/chunkenc/kernels';
const kernels = [
  { folder, entry: 'xor.ts', pages: 56, output: 'wasm.generated.ts' },
  { folder, entry: 'xor-encode.ts', pages: 36, output: 'xor-encode.generated.ts' },
  { folder, entry: 'histogram.ts', pages: 44, output: 'histogram.generated.ts' },
  { folder: 'pkg/bytes/kernels', entry: 'crc32c.ts', pages: 3, output: 'crc32c.generated.ts' },
  { folder: 'pkg/bytes/kernels', entry: 'xxhash.ts', pages: 1, output: 'xxhash.generated.ts' },
  { folder: 'pkg/tsdb/index/kernels', entry: 'postings.ts', pages: 33, output: 'index.generated.ts' },
  { folder: 'pkg/tsdb/kernels', entry: 'concatenate.ts', output: 'concatenate.generated.ts' },
  { folder: 'pkg/compact/downsample/kernels', entry: 'aggregate.ts', pages: 37, output: 'aggregate.generated.ts' },
  { folder: 'pkg/compact/downsample/kernels', entry: 'downsample.ts', output: 'downsample.generated.ts' },
];

for (const { folder, entry, pages, output } of kernels) {
  const source = join(root, folder, 'assembly');
  const outputs = new Map();
  const { error, stderr } = await asc.main(
    [
      entry,
      ...['--outFile', 'module.wasm', '--runtime', 'stub', '-O3', '--converge', '--noAssert', '--enable', 'simd'],
      ...(pages === undefined
        ? ['--importMemory']
        : ['--initialMemory', String(pages), '--maximumMemory', String(pages)]),
    ],
    {
      readFile: (name, base) => {
        const path = join(source, base === '.' ? '' : base, name);
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
      },
      writeFile: (name, contents) => outputs.set(name, contents),
      listFiles: () => [],
    },
  );
  const wasm = outputs.get('module.wasm');
  if (error || !(wasm instanceof Uint8Array)) {
    console.error(`kernels: ${join(folder, 'assembly', entry)} does not compile\n${stderr.toString()}`);
    process.exit(1);
  }
  if (hasData(wasm)) {
    console.error(
      `kernels: ${join(folder, 'assembly', entry)} has static data, where its own memory lies: no strings, arrays or references to functions`,
    );
    process.exit(1);
  }
  const base64 = Buffer.from(wasm).toString('base64');
  const text = `// Made from assembly/${entry} by dev/generate-kernels.mjs.\n\nexport const wasmBase64 =\n  '${base64}';\n`;
  writeFileSync(join(root, folder, output), text);
}

/** Whether a module brings data of its own: section 11. After eight bytes, sections are a number, a size and so many bytes. */
function hasData(wasm) {
  for (let at = 8; at < wasm.length; ) {
    const section = wasm[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (section === 11) return true;
    at += size;
  }
  return false;
}
