// TLS material read from files, for servers and clients.

import { readFile } from 'node:fs/promises';
import { during } from '../errors/fault.ts';

export interface ServerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Clients must show a certificate signed by one of these. */
  readonly clientCaFile?: string;
}

export interface ClientTlsFiles {
  /** The system's roots when absent. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name the server must prove; the address' host when absent. */
  readonly serverName?: string;
}

/** PEM bytes. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa?: Buffer;
}

/** PEM bytes. */
export interface ClientTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly serverName?: string;
}

/** Reads a server's certificate, key and client authorities. */
export async function readServerTls(files: ServerTlsFiles): Promise<ServerTls> {
  const [cert, key, clientCa] = await Promise.all([
    readPem(files.certFile),
    readPem(files.keyFile),
    files.clientCaFile === undefined ? undefined : readPem(files.clientCaFile),
  ]);
  return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
}

/** Reads a client's authorities and, when given, its own certificate and key. */
export async function readClientTls(files: ClientTlsFiles): Promise<ClientTls> {
  const [ca, cert, key] = await Promise.all(
    [files.caFile, files.certFile, files.keyFile].map((file) => (file === undefined ? undefined : readPem(file))),
  );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(files.serverName === undefined ? {} : { serverName: files.serverName }),
  };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (thrown) {
    throw during('read TLS file', thrown, { file });
  }
}
