// `$(NAME)` in configuration text, replaced from the environment before anything is parsed.

import { Fault } from '../errors/fault.ts';

/** A name that is not set is `invalid`: silence would put an empty secret in its place. */
export function expandEnvironment(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\(([a-zA-Z_0-9]+)\)/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new Fault('invalid', `found reference to unset environment variable ${JSON.stringify(name)}`);
    return value;
  });
}
