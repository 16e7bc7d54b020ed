import { isDeepStrictEqual } from 'node:util'
import type { Closable } from '../domain/ports.ts'
import { openClient, type StoreAddress, type StoreClient } from './client.ts'
import type { Insert } from './insert.ts'
import { openReads, type Reads } from './read.ts'

/** A store that another process keeps ready: this one only inserts, and reads single traces. */
export type BorrowedStore = Closable & {
  readonly insert: Insert
  readonly trace: Reads['trace']
  /** Where rows go from now on; undefined = nowhere for now, and `detail` says why. */
  readonly use: (address: StoreAddress | undefined, detail: string) => void
}

/** `onDoubt` is called when rows were not taken for a reason that is not theirs: the tables may be gone. */
export function borrowStore(onDoubt: () => void): BorrowedStore {
  const clients: StoreClient[] = []
  let current: StoreClient | undefined
  let why = 'The store is starting.'
  return {
    use: (address, detail) => {
      why = detail
      if (address === undefined) {
        current = undefined
        return
      }
      // The address is the same after most outages, and so are the connections.
      current = clients.find((client) => isDeepStrictEqual(client.address, address))
      if (current === undefined) clients.push((current = openClient(address)))
    },
    insert: async (table, rows, token) => {
      if (current === undefined) return { kind: 'unavailable', detail: why }
      const inserted = await current.insert(table, rows, token)
      if (inserted.kind === 'unavailable') onDoubt()
      return inserted
    },
    trace: async (id, signal) => {
      if (current === undefined) return { kind: 'unavailable', detail: why }
      return openReads(current.select, current.address.database).trace(id, signal)
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()))
    },
  }
}
