// All series of an index front to back, one read for an entry: for those who look at every one of them.

import type { ByteSource } from '../../bytes/byte-source.ts';
import { during, Fault } from '../../errors/fault.ts';
import { decodeSeriesEntry, type SeriesEntry, seriesEntrySize } from './series-entry.ts';

/** What most entries fit into. Reads of a file are views of a larger window, so asking for more costs nothing. */
const USUAL_ENTRY_BYTES = 512;

export interface SeriesScanPlace {
  readonly source: ByteSource;
  /** Where the first entry may start, and where the last one ends. */
  readonly from: number;
  readonly to: number;
  /** A series' id times this is the offset of its entry. */
  readonly unit: number;
  /** Where the next entry starts, at or after an offset. */
  readonly nextEntry: (offset: number) => number;
  /** Called on every decoded entry. */
  readonly finish: (entry: SeriesEntry) => void;
}

export interface SeriesScanOptions {
  /** False for an index whose entries were looked at before. */
  readonly verify: boolean;
  /** Times may fall from chunk to chunk. */
  readonly allowsDisorder: boolean;
}

export class SeriesScan {
  /** Of the series that `next` decoded. */
  id = 0;
  readonly #place: SeriesScanPlace;
  readonly #options: SeriesScanOptions;
  #at: number;
  #isLost = false;

  constructor(place: SeriesScanPlace, options: SeriesScanOptions) {
    this.#place = place;
    this.#options = options;
    this.#at = place.nextEntry(place.from);
  }

  /** Whether an entry was met whose size cannot be told: nothing behind it can be found. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Decodes the next entry into `into`; false at the end. `corrupt` when it cannot be decoded: the next call goes on behind
   * it unless the scan is lost.
   */
  next(into: SeriesEntry): boolean {
    const { source, to, unit, nextEntry, finish } = this.#place;
    const { verify, allowsDisorder } = this.#options;
    const offset = this.#at;
    if (offset >= to) return false;
    this.id = offset / unit;
    this.#at = to;
    this.#isLost = true;
    let bytes = source.read(offset, Math.min(USUAL_ENTRY_BYTES, to - offset));
    const size = seriesEntrySize(bytes, 0);
    if (offset + size > to) throw new Fault('corrupt', `series ${this.id} reaches past the series of the index`);
    if (size > bytes.length) bytes = source.read(offset, size);
    this.#isLost = false;
    try {
      decodeSeriesEntry(bytes, 0, into, size, verify, allowsDisorder);
      finish(into);
    } catch (thrown) {
      throw during(`read series ${this.id}`, thrown);
    } finally {
      this.#at = nextEntry(offset + size);
    }
    return true;
  }
}
