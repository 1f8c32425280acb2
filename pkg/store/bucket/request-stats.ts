// What one request to the gateway touched and fetched, for metrics.

export interface DataStats {
  /** Items the request used, and their bytes. */
  touched: number;
  touchedBytes: number;
  /** Items and bytes that came from the bucket, and by how many reads. */
  fetched: number;
  fetchedBytes: number;
  fetches: number;
}

export class RequestStats {
  blocksQueried = 0;
  mergedSeries = 0;
  getAllMs = 0;
  readonly postings: DataStats = emptyStats();
  readonly series: DataStats = emptyStats();
  readonly chunks: DataStats = emptyStats();
}

function emptyStats(): DataStats {
  return { touched: 0, touchedBytes: 0, fetched: 0, fetchedBytes: 0, fetches: 0 };
}
