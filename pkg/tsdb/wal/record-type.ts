// The first byte of a record of a write-ahead log. What follows is drawn in record.ts and histogram-record.ts.

export const RecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  mmapMarkers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customHistograms: 9,
  customFloatHistograms: 10,
  samplesWithStarts: 11,
  histogramsWithStarts: 12,
  floatHistogramsWithStarts: 13,
} as const;
