// Prints the label names of a block on a disk, and of each series that matches how many samples it has and the last one.
//
//   node examples/library/read-directory.mjs DIRECTORY [NAME=VALUE ...]
//
// DIRECTORY is one block, such as data/01J.../ of a Prometheus; the URL of one works as well.

import { openBlock } from 'tributary/tsdb';

const [directory, ...pairs] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write('usage: read-directory.mjs DIRECTORY [NAME=VALUE ...]\n');
  process.exit(1);
}
const matchers = pairs.map((pair) => {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), '=', pair.slice(at + 1)];
});

const block = await openBlock(directory);
try {
  process.stdout.write(`block ${block.meta.ulid}, labels ${(await block.labelNames()).join(', ')}\n`);
  for await (const { labels, floats, histograms } of block.series(matchers)) {
    const last = floats.length > 0 ? `, the last is ${floats.values[floats.length - 1]}` : '';
    process.stdout.write(`${labels}: ${floats.length} floats, ${histograms.length} histograms${last}\n`);
  }
} finally {
  await block.close();
}
