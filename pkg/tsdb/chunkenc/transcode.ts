// Chunks with start timestamps (encodings 4 to 6) brought to the encodings that every reader of blocks and of StoreAPI knows
// (1 to 3). Samples stay as they are, start timestamps are left out.

import { Fault } from '../../errors/fault.ts';
import { type HistogramSample, isStaleHistogram } from '../../model/histogram.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import {
  ENCODING_FLOAT_HISTOGRAM,
  ENCODING_FLOAT_HISTOGRAM_ST,
  ENCODING_HISTOGRAM,
  ENCODING_HISTOGRAM_ST,
  ENCODING_XOR,
  ENCODING_XOR2,
  undecodable,
} from './encoding.ts';
import { decodeFloatHistogramsWithStarts } from './float-histogram.ts';
import { FloatHistogramEncoder } from './float-histogram-encoder.ts';
import { decodeHistogramsWithStarts } from './histogram.ts';
import { HistogramEncoder } from './histogram-encoder.ts';
import { histogramChunkHint } from './histogram-layout.ts';
import { encodeXor } from './xor-encoder.ts';
import { decodeXor2 } from './xor2.ts';

export interface TranscodedChunk {
  readonly encoding: number;
  /** Without encoding byte and checksum. */
  readonly bytes: Uint8Array;
}

const floats = new SampleBuffer(128);
const integerEncoder = new HistogramEncoder();
const floatEncoder = new FloatHistogramEncoder();

/** Whether chunks of this encoding have start timestamps, which older readers do not know. */
export function hasStartTimestamps(encoding: number): boolean {
  return encoding >= ENCODING_XOR2 && encoding <= ENCODING_FLOAT_HISTOGRAM_ST;
}

/**
 * The chunk (without encoding byte and checksum) in an encoding from 1 to 3: the bytes given where it has one already, else
 * new ones. `corrupt` when it cannot be decoded, `unsupported` for other encodings.
 */
export function transcodeChunk(encoding: number, bytes: Uint8Array): TranscodedChunk {
  switch (encoding) {
    case ENCODING_XOR:
    case ENCODING_HISTOGRAM:
    case ENCODING_FLOAT_HISTOGRAM:
      return { encoding, bytes };
    case ENCODING_XOR2:
      floats.clear();
      decodeXor2(bytes, 0, bytes.length, floats);
      return { encoding: ENCODING_XOR, bytes: encodeXor(floats) };
    case ENCODING_HISTOGRAM_ST:
      return encodeHistograms(decodeHistogramsWithStarts(bytes, 0, bytes.length), bytes);
    case ENCODING_FLOAT_HISTOGRAM_ST:
      return encodeHistograms(decodeFloatHistogramsWithStarts(bytes, 0, bytes.length), bytes);
    default:
      throw undecodable(encoding);
  }
}

/** One chunk again, with the border to the chunk before as it was. */
function encodeHistograms(samples: readonly HistogramSample[], source: Uint8Array): TranscodedChunk {
  const header = histogramChunkHint(source, 0, source.length, 0);
  integerEncoder.reset(header);
  floatEncoder.reset(header);
  let isFloat = false;
  let wasStale = false;
  for (const { time, histogram } of samples) {
    const isStale = isStaleHistogram(histogram);
    if (wasStale && !isStale) throw new Fault('corrupt', 'histogram chunk goes on after a stale marker');
    wasStale = isStale;
    isFloat = histogram.kind === 'float';
    if (histogram.kind === 'float') floatEncoder.push(time, histogram);
    else integerEncoder.push(time, histogram);
  }
  return isFloat
    ? { encoding: ENCODING_FLOAT_HISTOGRAM, bytes: floatEncoder.bytes() }
    : { encoding: ENCODING_HISTOGRAM, bytes: integerEncoder.bytes() };
}
