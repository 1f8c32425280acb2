// Ports for the demonstration: those nobody needs to know are chosen by the system, those named by a flag are checked.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { during, Fault } from '../../pkg/errors/fault.ts';
import { parseAddress } from '../../pkg/net/address.ts';

/** `127.0.0.1:port` with a port that is free now. */
export async function freeAddress(): Promise<string> {
  const server = await listen('127.0.0.1', 0);
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Fault('internal', 'no port was given');
  return `127.0.0.1:${address.port}`;
}

/** Throws, naming the flag to change: `conflict` when something listens there already. */
export async function mustBeFree(address: string, flag: string): Promise<void> {
  try {
    const { host, port } = parseAddress(address);
    const server = await listen(host, port);
    server.close();
    await once(server, 'close');
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== 'EADDRINUSE') throw during(flag, thrown);
    throw new Fault(
      'conflict',
      `${address} is taken by another program: choose another address with ${flag}=host:port`,
    );
  }
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, host === '' ? undefined : host);
  await once(server, 'listening');
  return server;
}
