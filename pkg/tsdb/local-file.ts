// Files of a block directory as byte sources and sinks. Reads look ahead as long as they go forward, writes are gathered.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { ByteSink } from '../bytes/byte-sink.ts';
import { type ByteSource, checkRange } from '../bytes/byte-source.ts';
import { plainView } from '../bytes/plain-view.ts';
import { slabs } from '../bytes/slabs.ts';
import { assert } from '../errors/assert.ts';
import { Fault } from '../errors/fault.ts';

const SMALL_WINDOW = 1024;
/** What lies so near after the last window is still forward. */
const NEAR = 4 * 1024;
const LARGE_WINDOW = 256 * 1024;
const WRITE_BUFFER = 1024 * 1024;

/** A file open for reading. What `read` gives is good until the next call. */
export class FileSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #file: number;
  #buffer = new Uint8Array(SMALL_WINDOW);
  #window = SMALL_WINDOW;
  #isOpen = true;
  /** The part of the file that is in the buffer. */
  #from = 0;
  #to = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    this.sizeBytes = fstatSync(this.#file).size;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(offset, length, this.sizeBytes);
    if (offset >= this.#from && offset + length <= this.#to) {
      return this.#buffer.subarray(offset - this.#from, offset - this.#from + length);
    }
    // A reader that goes forward gets a window twice as large, one that jumps starts small again.
    const isForward = offset >= this.#from && offset <= this.#to + NEAR && this.#to > 0;
    this.#window = isForward ? Math.min(LARGE_WINDOW, this.#window * 2) : SMALL_WINDOW;
    const size = Math.max(length, this.#window);
    if (size !== this.#buffer.length) this.#buffer = new Uint8Array(size);
    // The number of a closed file may be another's by now.
    assert(this.#isOpen, 'a file is read before it is closed');
    this.#from = offset;
    this.#to = offset;
    const wanted = Math.min(size, this.sizeBytes - offset);
    while (this.#to - offset < wanted) {
      const at = this.#to - offset;
      const count = readSync(this.#file, this.#buffer, at, wanted - at, this.#to);
      if (count === 0) throw new Fault('corrupt', `file ended at ${this.#to} of ${this.sizeBytes} bytes`);
      this.#to += count;
    }
    return this.#buffer.subarray(0, length);
  }

  /** Does nothing when closed. What was read last may still be read. */
  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }
}

export interface FileSinkOptions {
  /** False for scratch: nobody looks at the file after a crash of the machine. */
  readonly isDurable?: boolean;
  /** What is gathered before it is written. */
  readonly bufferBytes?: number;
}

/** A new file; it must not exist yet. */
export class FileSink implements ByteSink {
  readonly #file: number;
  readonly #buffer: Uint8Array;
  readonly #isDurable: boolean;
  #pending = 0;
  #isOpen = true;

  constructor(path: string, { isDurable = true, bufferBytes = WRITE_BUFFER }: FileSinkOptions = {}) {
    this.#file = openSync(path, 'wx');
    // Used again by the next file: left to the collector, those of some blocks would be there at once.
    this.#buffer = plainView(slabs.lend(bufferBytes));
    this.#isDurable = isDurable;
  }

  write(bytes: Uint8Array): void {
    // The buffer of a closed file may be another's by now.
    assert(this.#isOpen, 'a file is written before it is closed');
    const buffer = this.#buffer;
    if (this.#pending + bytes.length > buffer.length) this.#flush();
    if (bytes.length >= buffer.length) {
      writeAll(this.#file, bytes);
      return;
    }
    buffer.set(bytes, this.#pending);
    this.#pending += bytes.length;
  }

  /** Everything written is on the disk when this returns, if it is to be durable. Idle afterwards. */
  finish(): void {
    try {
      this.#flush();
      if (this.#isDurable) fsyncSync(this.#file);
    } finally {
      this.abandon();
    }
  }

  /** Closes without a promise about what is on the disk; does nothing when closed. */
  abandon(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pending = 0;
    slabs.giveBack(this.#buffer);
    closeSync(this.#file);
  }

  #flush(): void {
    writeAll(this.#file, this.#buffer.subarray(0, this.#pending));
    this.#pending = 0;
  }
}

/** Makes names created in or moved into a directory survive a crash. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at);
}
