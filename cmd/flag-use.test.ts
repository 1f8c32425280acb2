import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../dev/golden.ts';
import { commands } from './commands.ts';

/** Taken because command lines in use have them; what they ask for is what we do anyway. */
const ofNoEffect: ReadonlySet<string> = new Set(['compact.skip-block-with-out-of-order-chunks']);

for (const entry of commands) {
  test(`no flag of ${entry.name} is accepted and then ignored`, async () => {
    const { flags } = await entry.load();
    const [word, ...more] = entry.name.split(' ');
    const file = more.length === 0 ? join('cmd', `${word}.ts`) : join('cmd', word, `${more.join('-')}.ts`);
    const own = textOf(file);
    // What two tools have in common stands in a file of its own, which counts for those that import it.
    const shared = own.includes("'./cleaning-compactor.ts'") ? textOf('cmd/tools/cleaning-compactor.ts') : '';
    const limits = own.includes("'./query-limits.ts'") ? textOf('cmd/query-limits.ts') : '';
    const source = [textOf('cmd/run.ts'), own, shared, limits].join('\n');
    const ignored = Object.keys(flags).filter(
      (name) => !ofNoEffect.has(name) && !source.includes(`values['${name}']`) && !source.includes(`values.${name}`),
    );
    expect(ignored).toEqual([]);
  });
}

function textOf(path: string): string {
  return readFileSync(join(projectRoot(), path), 'utf8');
}
