import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../dev/golden.ts';
import { commands } from './commands.ts';

/** Taken because command lines in use have them; what they ask for is what we do anyway. */
const ofNoEffect: ReadonlySet<string> = new Set(['query.promql-engine', 'compact.skip-block-with-out-of-order-chunks']);

for (const entry of commands) {
  test(`no flag of ${entry.name} is accepted and then ignored`, async () => {
    const { flags } = await entry.load();
    const words = entry.name.split(' ');
    const file = join('cmd', ...words.slice(0, -2), `${words.slice(-2).join('-')}.ts`);
    const source = ['cmd/run.ts', file].map((path) => readFileSync(join(projectRoot(), path), 'utf8')).join('\n');
    const ignored = Object.keys(flags).filter(
      (name) => !ofNoEffect.has(name) && !source.includes(`values['${name}']`) && !source.includes(`values.${name}`),
    );
    expect(ignored).toEqual([]);
  });
}
