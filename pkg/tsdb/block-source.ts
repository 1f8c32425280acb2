// Where the files of a block are, for those who read them over a distance: each file by name and range.

import type { ByteSource } from '../bytes/byte-source.ts';

export interface BlockSource {
  /** For messages. */
  readonly name: string;
  /** The size of a file such as `index` or `chunks/000001`; undefined when there is none. */
  sizeOf(file: string, signal?: AbortSignal): Promise<number | undefined>;
  /** Exactly these bytes of a file, which are the caller's. `not-found` when it is missing, `corrupt` when it is shorter. */
  read(file: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * The same file for reads that are answered at once, which a source has whose files are as near as memory: nothing of them is
   * kept then, and `read` is asked for small files only. Closed with the source.
   */
  openFile?(file: string): ByteSource;
  close(): Promise<void>;
}
