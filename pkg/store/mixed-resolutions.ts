// A series of which some stretches are there in one resolution and some in another. Each resolution is read for itself,
// replicas merged; then the finer one wins wherever it holds data, so that no sample is counted twice:
//
//   raw                    ┌──────────────
//   5m     ────────────────┼·  ·  ·  ·  ·       a downsampled sample stands for the window that ends with it, and is left
//                          │                    out as soon as a chunk of finer data reaches into that window
//
// Accumulated counters go on where the resolution changes: by what the coarser data says of the increase up to its next
// sample, or, where it has none, by the last raw value before and the first one after.

import type { CoarseStretch, SampleBuffer } from '../storage/sample-columns.ts';
import { chunkResolutionMs } from './chunk-resolution.ts';
import type { ChunkSlice } from './chunk-table.ts';

/** The chunks of one resolution, in order. */
export interface Layer {
  readonly resolutionMs: number;
  readonly slices: ChunkSlice[];
}

/** One resolution, read. */
export interface ReadLayer {
  readonly layer: Layer;
  /** Accumulated when it is a counter. */
  readonly samples: SampleBuffer;
  /** The last raw value of a counter, as far as it is known. */
  readonly lastRaw: number;
}

/** The chunks by resolution, finest first. */
export function layersOf(slices: readonly ChunkSlice[]): Layer[] {
  const layers = new Map<number, Layer>();
  for (const { table, from, to } of slices) {
    let begin = from;
    let before = chunkResolutionMs(table, from, Infinity);
    for (let chunk = from + 1; chunk <= to; chunk++) {
      const resolutionMs = chunk < to ? chunkResolutionMs(table, chunk, Infinity) : Number.NaN;
      if (resolutionMs === before) continue;
      const layer = layers.get(before) ?? { resolutionMs: before, slices: [] };
      layers.set(before, layer);
      layer.slices.push({ table, from: begin, to: chunk });
      begin = chunk;
      before = resolutionMs;
    }
  }
  return [...layers.values()].sort((a, b) => a.resolutionMs - b.resolutionMs);
}

/** Samples [from, to) of a layer that are part of the answer. */
interface Piece {
  readonly read: ReadLayer;
  readonly from: number;
  readonly to: number;
}

/**
 * Appends what each layer holds where no finer one has data, and gives the stretches in order. `layers` are finest first;
 * with `isCounter` their values are accumulated, and so are those appended.
 */
export function overlay(layers: readonly ReadLayer[], isCounter: boolean, into: SampleBuffer): CoarseStretch[] {
  const pieces = layers.flatMap((read, i) => piecesOf(read, layers.slice(0, i)));
  pieces.sort((a, b) => a.read.samples.times[a.from] - b.read.samples.times[b.from]);
  const stretches: CoarseStretch[] = [];
  const lifts = new Map<ReadLayer, number>();
  let last: Piece | undefined;
  for (const piece of interleaved(pieces)) {
    const { read, from, to } = piece;
    const start = into.length;
    if (isCounter && last !== undefined) {
      const before = into.values[start - 1];
      const lift = liftOf(last, piece, before, lifts);
      if (!Number.isNaN(lift)) lifts.set(read, lift);
    }
    into.pushColumns(read.samples, from, to);
    if (start > 0) into.breakSequence(start);
    const lift = isCounter ? (lifts.get(read) ?? 0) : 0;
    if (lift !== 0) for (let i = start; i < into.length; i++) into.values[i] += lift;
    const { resolutionMs } = read.layer;
    stretches.push({ minTime: into.times[start], maxTime: into.times[into.length - 1], resolutionMs });
    last = piece;
  }
  return stretches;
}

/** The runs of samples whose windows no finer chunk reaches into. */
function piecesOf(read: ReadLayer, finer: readonly ReadLayer[]): Piece[] {
  const { samples, layer } = read;
  if (samples.length === 0) return [];
  const covered = finer.flatMap(({ layer: { slices } }) => extentsOf(slices)).sort((a, b) => a.minTime - b.minTime);
  const pieces: Piece[] = [];
  let from = -1;
  let next = 0;
  let latest = -Infinity;
  for (let i = 0; i < samples.length; i++) {
    const time = samples.times[i];
    for (; next < covered.length && covered[next].minTime <= time; next++) {
      latest = Math.max(latest, covered[next].maxTime);
    }
    const windowStart = layer.resolutionMs === 0 ? time : Math.floor(time / layer.resolutionMs) * layer.resolutionMs;
    const isKept = latest < windowStart;
    if (isKept && from < 0) from = i;
    if (!isKept && from >= 0) {
      pieces.push({ read, from, to: i });
      from = -1;
    }
  }
  if (from >= 0) pieces.push({ read, from, to: samples.length });
  return pieces;
}

function extentsOf(slices: readonly ChunkSlice[]): { readonly minTime: number; readonly maxTime: number }[] {
  const extents = [];
  for (const { table, from, to } of slices) {
    for (let chunk = from; chunk < to; chunk++) {
      extents.push({ minTime: table.minTimes[chunk], maxTime: table.maxTimes[chunk] });
    }
  }
  return extents;
}

/** Pieces cut where one of another layer begins inside of them, so that each ends before the next one begins. */
function interleaved(pieces: Piece[]): Piece[] {
  const out: Piece[] = [];
  const open = [...pieces];
  while (open.length > 0) {
    const { read, from, to } = open.shift()!;
    const limit = open.length === 0 ? Infinity : open[0].read.samples.times[open[0].from];
    let end = from;
    while (end < to && read.samples.times[end] < limit) end++;
    if (end > from) out.push({ read, from, to: end });
    if (end === to) continue;
    const rest = { read, from: Math.max(end, from), to };
    const time = read.samples.times[rest.from];
    let at = 0;
    while (at < open.length && open[at].read.samples.times[open[at].from] <= time) at++;
    open.splice(at, 0, rest);
  }
  return out;
}

/** What has to be added to a piece's accumulated values so that they go on from `before`, the value of the sample before. */
function liftOf(last: Piece, piece: Piece, before: number, lifts: ReadonlyMap<ReadLayer, number>): number {
  const { read, from } = piece;
  const { samples } = read;
  const first = samples.values[from];
  if (Number.isNaN(first) || Number.isNaN(before)) return Number.NaN;
  if (read === last.read) return lifts.get(read) ?? 0;
  const lift = liftBetween(last, piece, before, lifts);
  return first + lift >= before ? lift : before - first;
}

function liftBetween(
  last: Piece,
  { read, from }: Piece,
  before: number,
  lifts: ReadonlyMap<ReadLayer, number>,
): number {
  const { samples } = read;
  const first = samples.values[from];
  const earlier = last.read.samples;
  if (read.layer.resolutionMs < last.read.layer.resolutionMs && last.to < earlier.length) {
    // The coarser sample that was left out says what the counter has come to by its time.
    let at = from;
    while (at + 1 < samples.length && samples.times[at + 1] <= earlier.times[last.to]) at++;
    const known = earlier.values[last.to] + (lifts.get(last.read) ?? 0);
    return samples.times[at] <= earlier.times[last.to] ? known - samples.values[at] : before - first;
  }
  // Of the finer data there is nothing after the coarser sample before.
  if (read.layer.resolutionMs > last.read.layer.resolutionMs && from > 0) return before - samples.values[from - 1];
  // Nothing was left out: as from chunk to chunk, but only where the raw values on both sides are known.
  if (from > 0 || last.to < earlier.length || Number.isNaN(last.read.lastRaw)) return before - first;
  const increase = first >= last.read.lastRaw ? first - last.read.lastRaw : first;
  return before + increase - first;
}
