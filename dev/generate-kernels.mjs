// Compiles the AssemblyScript kernels of pkg/**/kernels/assembly into wasm.generated.ts beside that folder: the module as
// base64, so that it loads synchronously, from source, from the build and in a browser alike. Plain JavaScript, like
// everything that runs before there is a build.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Each kernel folder has one entry file in `assembly`, and how many pages of 64 KiB its memory takes. */
const kernels = [{ folder: 'pkg/tsdb/chunkenc/kernels', entry: 'xor.ts', pages: 56 }];

for (const { folder, entry, pages } of kernels) {
  const source = join(root, folder, 'assembly');
  const outputs = new Map();
  const { error, stderr } = await asc.main(
    [
      entry,
      ...['--outFile', 'module.wasm', '--runtime', 'stub', '-O3', '--converge', '--noAssert', '--enable', 'simd'],
      ...['--initialMemory', String(pages), '--maximumMemory', String(pages)],
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
  const base64 = Buffer.from(wasm).toString('base64');
  const text = `// Made from assembly/${entry} by dev/generate-kernels.mjs.\n\nexport const wasmBase64 =\n  '${base64}';\n`;
  writeFileSync(join(root, folder, 'wasm.generated.ts'), text);
}
