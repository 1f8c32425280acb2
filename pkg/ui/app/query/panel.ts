// One panel of the query page: an expression, how it is evaluated, and how the answer is shown. All of it is in the link.

export type PanelTab = 'graph' | 'table' | 'explain';
export type Display = 'lines' | 'stacked' | 'heatmap';
export type SortKey = 'name' | 'last' | 'max' | 'mean' | 'min';

export interface Panel {
  readonly expr: string;
  readonly tab: PanelTab;
  readonly rangeMs: number;
  /** The end of the graph and the moment of the table; undefined is now. */
  readonly endMs: number | undefined;
  /** Step as typed, `15s`; empty chooses it by the range. */
  readonly step: string;
  readonly display: Display;
  readonly dedup: boolean;
  readonly partialResponse: boolean;
  /** `0s`, `5m`, `1h`, `auto`; empty is what the server does by default. */
  readonly maxResolution: string;
  /** Addresses of the stores to ask; none is all. */
  readonly stores: readonly string[];
  /** In place of the server's; none is those. */
  readonly replicaLabels: readonly string[];
  /** As typed, `5m`; empty is the server's. */
  readonly lookback: string;
  /** Words that a series has to match to be shown. */
  readonly filter: string;
  readonly sort: SortKey;
  /** Texts of the only series to draw; none is all. */
  readonly picked: readonly string[];
}

export const HOUR_MS = 3_600_000;

/** An empty panel on a server that does this by default. */
export function newPanel(server: { readonly partialResponse: boolean }): Panel {
  return {
    expr: '',
    tab: 'graph',
    rangeMs: HOUR_MS,
    endMs: undefined,
    step: '',
    display: 'lines',
    dedup: true,
    partialResponse: server.partialResponse,
    maxResolution: '',
    stores: [],
    replicaLabels: [],
    lookback: '',
    filter: '',
    sort: 'name',
    picked: [],
  };
}
