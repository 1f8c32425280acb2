// Which addresses exist now: the contract of everything that finds endpoints.

/** One address to dial, with the configured text it came from. */
export interface FoundAddress {
  /** What to dial: `host:port`. */
  readonly address: string;
  /** The text in the configuration that led to it; equal to `address` for a fixed one. */
  readonly configured: string;
}

export interface Provider {
  /** The whole set as last known, each address once, in a stable order. Never waits. */
  addresses(): readonly FoundAddress[];
  /**
   * One round: looks everything up again. Never throws for a look-up that failed (that is logged and counted, and the
   * last good answer stays); ends early, keeping what was known, when the signal aborts.
   */
  refresh(signal: AbortSignal): Promise<void>;
}
