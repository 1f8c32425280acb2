// What the page is told about the process that serves it. The server writes it into the HTML as JSON, the page reads it
// before anything is drawn: no call is needed to know which pages there are.

/** The component that serves the page. */
export type PageComponent = 'query' | 'store' | 'compact' | 'bucket web';

export interface PageFacts {
  readonly component: PageComponent;
  readonly version: string;
  /** Paths of the APIs this process serves, from its own route table: `/api/v1/query`, `/api/v1/label/:name/values`. */
  readonly apis: readonly string[];
  /** The page that `/` shows: `/graph`, `/blocks`. */
  readonly startPage: string;
  /** The query part of the link that the query page shows when its own has none; empty is one empty panel. */
  readonly startLink: string;
  /** A line shown above every page until it is dismissed; empty is none. */
  readonly notice: string;
  readonly query: QueryFacts;
}

/** What the querier does when a request does not say. */
export interface QueryFacts {
  readonly replicaLabels: readonly string[];
  readonly partialResponse: boolean;
  readonly autoDownsampling: boolean;
  readonly lookbackMs: number;
  /** Parts of the language that are switched on. */
  readonly language: {
    readonly experimental: boolean;
    readonly extendedRangeSelectors: boolean;
    readonly fillModifiers: boolean;
  };
}

/** The facts as the page finds them: with what differs from one answer to the next. */
export interface SentFacts extends PageFacts {
  /** Allows the styles that the page makes as it runs. */
  readonly nonce: string;
}
