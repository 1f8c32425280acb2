// Options of the sidecar, with the reference's defaults.

export interface SidecarConfig {
  /** How long to wait for Prometheus at start. */
  readonly readyTimeoutMs: number;
  /** Pause between two heartbeats, and between tries at start. */
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  /** The oldest data to announce and serve, ms; asked each time because it may be relative to now. */
  readonly minTime: () => number;
  /** Whether blocks are uploaded: then Prometheus must not compact them. */
  readonly uploads: boolean;
  /** Skips the check that Prometheus leaves its blocks uncompacted. */
  readonly ignoreUnequalBlockSize: boolean;
  /** Where Prometheus keeps its blocks, to recognise the shipper's state file in its flags. */
  readonly shipperMetaFile: string;
}
