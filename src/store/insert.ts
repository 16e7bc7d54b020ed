/** Tables whose rows go through the spool. Each has a spool directory of its own. */
export type SpooledTable = 'traces' | 'attempts' | 'contents' | 'scores' | 'pairs' | 'shadow_funnel' | 'proxy_readings'

/** What became of one batch. Only `stored` may be forgotten. */
export type Inserted =
  | { readonly kind: 'stored' }
  /** The server read the rows and will never take them as they are: split, then quarantine. */
  | { readonly kind: 'bad_rows'; readonly detail: string }
  /** Anything that may be better later: down, overloaded, out of memory, disk full, table not there yet. */
  | { readonly kind: 'unavailable'; readonly detail: string }

/**
 * Inserts named rows (see `named-rows.ts`: a line with the names of the columns, then one line per row) into `table`.
 * `token` is the deduplication token: the same rows with the same token are stored once, however often they are sent.
 * Never throws.
 */
export type Insert = (table: SpooledTable | 'quarantine', rows: Buffer, token: string) => Promise<Inserted>
