import type { StoreClient } from './client.ts'
import { describeStoreError } from './insert-failure.ts'

/** What became of rows that were sent once. `sent` says only that the server has seen them, perhaps before. */
export type Sent = { readonly kind: 'sent' } | { readonly kind: 'unavailable'; readonly detail: string }

/** Sends a few named rows that somebody waits for, past the spool, under a deduplication token. Never rejects. */
export type SendRows = (table: string, rows: string, token: string) => Promise<Sent>

/** A server that says nothing for so long is as good as away. */
export const PATIENCE_MS = 5_000
/** What is said while there is no server. */
export const NOT_REACHABLE = 'ClickHouse is not reachable just now.'

/** Sends as the owner; `client` is asked anew each time and undefined while there is no server. */
export function openSendRows(client: () => StoreClient | undefined): SendRows {
  return async (table, rows, token) => {
    const server = client()
    if (server === undefined) return { kind: 'unavailable', detail: NOT_REACHABLE }
    try {
      await server.insertRows(table, rows, token, AbortSignal.timeout(PATIENCE_MS))
      return { kind: 'sent' }
    } catch (error) {
      return { kind: 'unavailable', detail: describeStoreError(error) }
    }
  }
}
