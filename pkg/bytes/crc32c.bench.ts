// How quickly checksums are taken over a chunk's and a section's worth of bytes. Run from the build:
// node dist/pkg/bytes/crc32c.bench.js

import { crc32c } from './crc32c.ts';

const bytes = Uint8Array.from({ length: 8 * 1024 * 1024 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
for (const size of [200, 65536, bytes.length]) {
  let best = Infinity;
  for (let round = 0; round < 10; round++) {
    const start = performance.now();
    for (let at = 0; at + size <= bytes.length; at += size) crc32c(bytes, at, at + size);
    best = Math.min(best, performance.now() - start);
  }
  process.stdout.write(`crc32c over ${size} bytes: ${(bytes.length / best / 1e6).toFixed(2)} GB/s\n`);
}
