// Loads a vendor's client, which an installation may have left out.

import { Fault } from '../errors/fault.ts';

/** The module, or `unsupported` with what to install. */
export async function optionalClient<T>(packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw thrown;
    throw new Fault('unsupported', `this installation lacks ${packageName}: npm install ${packageName}`, {
      cause: thrown,
    });
  }
}
