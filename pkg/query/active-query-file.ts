// queries.active: what runs, written down so that after a crash the log can name it. The form is that of Prometheus and
// Thanos, so that either reads what the other left:
//
//   ┌───┬────────────────────────────────────────────┬─────┬────────────────────────────────────────────┬─────┬───
//   │ [ │ {"query":"up","timestamp_sec":1} NUL ... , │ ... │ NUL NUL NUL ...                            │ ... │
//   └───┴────────────────────────────────────────────┴─────┴────────────────────────────────────────────┴─────┴───
//     1   slot 0: 1000 bytes, the last one a comma           slot of a query that has ended: all NUL
//
// Writing is by position, without waiting: a page in the system's cache outlives the process.

import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { during } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';

const SLOT_BYTES = 1000;
const NOTHING = new Uint8Array(SLOT_BYTES);

export class ActiveQueryFile {
  readonly #descriptor: number;
  readonly #free: number[];
  #isOpen = true;

  private constructor(descriptor: number, slotCount: number) {
    this.#descriptor = descriptor;
    this.#free = Array.from({ length: slotCount }, (_, i) => slotCount - 1 - i);
  }

  /** Logs what the last run left, and begins anew. Throws when the directory cannot be written to. */
  static open(directory: string, slotCount: number, log: Logger): ActiveQueryFile {
    const path = join(directory, 'queries.active');
    try {
      mkdirSync(directory, { recursive: true });
      const unfinished = readUnfinished(path);
      if (unfinished.length > 0) {
        log.warn('these queries were running when the last run of this process ended', {
          queries: JSON.stringify(unfinished),
        });
      }
      const descriptor = openSync(path, 'w');
      ftruncateSync(descriptor, 1 + slotCount * SLOT_BYTES);
      writeSync(descriptor, '[', 0);
      return new ActiveQueryFile(descriptor, slotCount);
    } catch (thrown) {
      throw during('open the file of active queries', thrown, { path });
    }
  }

  /** Writes a query down, as much of it as a slot holds. Call what it returns when the query has ended. */
  insert(query: string, startMs: number): () => void {
    const slot = this.#free.pop();
    // More than slots only where nothing bounds the queries that run.
    if (slot === undefined || !this.#isOpen) return () => {};
    writeSync(this.#descriptor, entryOf(query, Math.floor(startMs / 1000)), 0, SLOT_BYTES, 1 + slot * SLOT_BYTES);
    return () => {
      if (!this.#isOpen) return;
      writeSync(this.#descriptor, NOTHING, 0, SLOT_BYTES, 1 + slot * SLOT_BYTES);
      this.#free.push(slot);
    };
  }

  /** What runs still stays written. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}

export interface UnfinishedQuery {
  readonly query: string;
  readonly timestamp_sec: number;
}

/** What a file of ours or of the reference says; nothing where there is none. Slots that make no sense are left out. */
export function readUnfinished(path: string): readonly UnfinishedQuery[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // The first run.
  }
  // A slot's end is known by its filling: texts hold no NUL, and the last character of an entry closes it.
  const found: UnfinishedQuery[] = [];
  for (const part of text.slice(1).split('\0')) {
    const json = part.replace(/^,+|,+$/g, '');
    if (!json.startsWith('{')) continue;
    try {
      const { query, timestamp_sec } = JSON.parse(json) as Partial<UnfinishedQuery>;
      if (typeof query === 'string') found.push({ query, timestamp_sec: Number(timestamp_sec) });
    } catch {
      // Cut off in the middle of writing.
    }
  }
  return found;
}

/** A whole slot. The query is cut between characters so that the entry fits. */
function entryOf(query: string, timestampSec: number): Uint8Array {
  const slot = new Uint8Array(SLOT_BYTES);
  slot[SLOT_BYTES - 1] = 44; // A comma.
  const encoder = new TextEncoder();
  let text = query;
  for (;;) {
    const json = JSON.stringify({ query: text, timestamp_sec: timestampSec });
    // One NUL at least keeps the entry apart from the comma.
    if (encoder.encode(json).length <= SLOT_BYTES - 2) {
      encoder.encodeInto(json, slot);
      return slot;
    }
    const excess = encoder.encode(json).length - (SLOT_BYTES - 2);
    text = wholeCharacters(text.slice(0, Math.min(text.length - Math.ceil(excess / 12), SLOT_BYTES)));
  }
}

/** Without half a character at the end. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.slice(0, -1) : text;
}
