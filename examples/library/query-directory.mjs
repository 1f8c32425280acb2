// Asks a block on a disk, and prints the answer as the HTTP API would.
//
//   node examples/library/query-directory.mjs DIRECTORY EXPRESSION [STEP_SECONDS]
//
// DIRECTORY is one block, such as data/01J.../ of a Prometheus; the URL of one works as well. Without a step the answer is
// that for the end of the block, else one for every step of it.

import { backgroundRequest, Engine, printResult, SeriesQueryable } from 'tributary/promql';
import { openBlock } from 'tributary/tsdb';

const [directory, expression, step] = process.argv.slice(2);
if (expression === undefined) {
  process.stderr.write('usage: query-directory.mjs DIRECTORY EXPRESSION [STEP_SECONDS]\n');
  process.exit(1);
}

const engine = new Engine({
  lookbackMs: 5 * 60_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
});
const block = await openBlock(directory);
try {
  const queryable = new SeriesQueryable(block);
  const { minTime, maxTime } = block.meta;
  const times =
    step === undefined
      ? { timeMs: maxTime - 1 }
      : { startMs: minTime, endMs: maxTime - 1, stepMs: Number(step) * 1000 };
  const request = backgroundRequest();
  const { value, warnings, infos } =
    step === undefined
      ? await engine.instant(request, queryable, { expression, ...times })
      : await engine.range(request, queryable, { expression, ...times });
  for (const note of [...warnings, ...infos]) process.stderr.write(`${note}\n`);
  for (const text of printResult(value)) process.stdout.write(text);
  process.stdout.write('\n');
} finally {
  await block.close();
}
