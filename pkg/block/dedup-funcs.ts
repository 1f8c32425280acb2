// The ways in which overlapping replicas are merged for good, by the names that flags have for them. What they do:
// dedup-chunks.ts.

/** '' is one-to-one: every sample stays, one for each time. */
export const offlineDedupFuncs = ['', 'penalty'] as const;
export type OfflineDedupFunc = (typeof offlineDedupFuncs)[number];
