// The file that remembers what was uploaded: tab-indented, replaced by rename. It is a hint that saves requests; the
// bucket decides. A Prometheus may read it to hold back compaction (`--storage.tsdb.delay-compact-file.path`).
//
//   { "version": 1, "uploaded": ["01HF...", "01HG..."] }

import { open, readFile, rename } from 'node:fs/promises';
import { during, kindOf, messageOf } from '../errors/fault.ts';
import { isUlid } from '../model/ulid.ts';
import type { Logger } from '../telemetry/logger.ts';

const VERSION = 1;

/** The blocks known as uploaded. A file that is missing or cannot be understood knows none. */
export async function readShipperState(path: string, logger: Logger): Promise<ReadonlySet<string>> {
  try {
    const { version, uploaded } = JSON.parse(await readFile(path, 'utf8')) as { version?: unknown; uploaded?: unknown };
    if (version === VERSION && (uploaded ?? undefined) === undefined) return new Set();
    if (version === VERSION && Array.isArray(uploaded) && uploaded.every(isUlidText)) return new Set(uploaded);
    logger.warn('shipper state is not understood and taken as empty', { path });
  } catch (thrown) {
    if (kindOf(thrown) !== 'not-found') {
      logger.warn('shipper state cannot be read and is taken as empty', { path, err: messageOf(thrown) });
    }
  }
  return new Set();
}

/** Replaces the file as a whole: a crash leaves the old one or the new one. */
export async function writeShipperState(path: string, uploaded: readonly string[]): Promise<void> {
  const aside = `${path}.tmp`;
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, uploaded }, undefined, '\t'));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (thrown) {
    throw during('write shipper state', thrown, { path });
  }
}

function isUlidText(value: unknown): value is string {
  return typeof value === 'string' && isUlid(value);
}
