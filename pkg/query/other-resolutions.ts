// Where a select had to read another resolution than the one it wanted, for the remarks of the answer.

import { resolutions, resolutionText } from '../model/resolution.ts';
import type { CoarseStretch } from '../storage/sample-columns.ts';
import type { MixedReading } from '../store/chunk-series.ts';

/** Stretches closer than this are one: targets that were away for a while. */
const NEAR_MS = 2 * 3_600_000;
/** Of one resolution that are named. */
const MOST_NAMED = 3;

interface Stretch {
  minTime: number;
  maxTime: number;
}

export class OtherResolutions implements MixedReading {
  readonly wantedMs: number;
  readonly #bounds: Stretch;
  /** By resolution, ascending and apart from one another. */
  readonly #stretches = new Map<number, Stretch[]>();
  readonly onOther: (stretch: CoarseStretch) => void;

  /** `bounds` are those of the select, beyond which nothing is told. */
  constructor(maxResolutionMs: number, { minTime, maxTime }: Stretch) {
    this.wantedMs = resolutions.find((resolution) => resolution <= maxResolutionMs) ?? 0;
    this.#bounds = { minTime, maxTime };
    this.onOther = ({ minTime: from, maxTime: to, resolutionMs }) => this.#add(from, to, resolutionMs);
  }

  /** One remark for each resolution, the finest first. */
  infos(): string[] {
    return [...this.#stretches]
      .sort(([a], [b]) => a - b)
      .map(([resolutionMs, stretches]) => {
        const named = stretches
          .slice(0, MOST_NAMED)
          .map(({ minTime, maxTime }) => `${text(minTime)} to ${text(maxTime)}`);
        if (stretches.length > MOST_NAMED) named.push(`${stretches.length - MOST_NAMED} stretches more`);
        const wanted = resolutionText(this.wantedMs);
        return `${resolutionText(resolutionMs)} data is used where ${wanted} data is missing: ${named.join(', ')}`;
      });
  }

  #add(from: number, to: number, resolutionMs: number): void {
    const minTime = Math.max(from, this.#bounds.minTime);
    const maxTime = Math.min(to, this.#bounds.maxTime);
    if (minTime > maxTime) return;
    let stretches = this.#stretches.get(resolutionMs);
    if (stretches === undefined) this.#stretches.set(resolutionMs, (stretches = []));
    // From where on they may touch, and up to where they do: those become one.
    let at = 0;
    while (at < stretches.length && stretches[at].maxTime < minTime - NEAR_MS) at++;
    const joined = { minTime, maxTime };
    let end = at;
    for (; end < stretches.length && stretches[end].minTime <= maxTime + NEAR_MS; end++) {
      joined.minTime = Math.min(joined.minTime, stretches[end].minTime);
      joined.maxTime = Math.max(joined.maxTime, stretches[end].maxTime);
    }
    stretches.splice(at, end - at, joined);
  }
}

/** As dates are written, to the second. */
function text(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
