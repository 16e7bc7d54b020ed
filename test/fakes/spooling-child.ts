// A process that spools rows as fast as they are released, says which were, and writes them to a store, until it is
// killed. Arguments: JSON of `ChildOptions`. Output: a line with its id for each row that was kept, `dropped <n>` for rows that were not.
import { writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { openClient, type StoreAddress } from '../../src/store/client.ts'
import { openSpool } from '../../src/store/spool.ts'
import { startWriter } from '../../src/store/writer.ts'
import { realWorld } from './real-world.ts'

export type ChildOptions = {
  readonly dir: string
  readonly maxRows: number
  /** Undefined: the rows stay in the spool. */
  readonly store: StoreAddress | undefined
  /** Rows per request and bytes of padding per row. */
  readonly rowsPerBurst: number
  readonly paddingBytes: number
}

const log = {
  info: () => {},
  warn: () => {},
  error: (event: string, fields?: object) => void writeSync(2, `${event} ${JSON.stringify(fields)}\n`),
}
const { dir, maxRows, store, rowsPerBurst, paddingBytes }: ChildOptions = JSON.parse(process.argv[2] ?? '')
const columns = { traces: ['trace_id', 'received_at', 'path'], attempts: ['attempt_id'] }
const spool = await openSpool({ dir, maxBytes: 1e9, columns, maxRows, maxAgeMs: 100, world: realWorld, log })
if (store !== undefined) startWriter({ spool, insert: openClient(store).insert, world: realWorld, log })

// A limit on file size is otherwise told by a signal that ends the process.
process.on('SIGXFSZ', () => {})
const padding = 'x'.repeat(paddingBytes)
for (;;) {
  const ids = Array.from({ length: rowsPerBurst }, () => realWorld.newId())
  const before = spool.status().droppedRows.writeFailed.traces
  await new Promise<void>((resolve) =>
    spool.append(
      ids.map((id) => ({
        table: 'traces',
        line: JSON.stringify([id, '2026-11-20 12:00:00.000', padding]),
      })),
      resolve,
    ),
  )
  const dropped = spool.status().droppedRows.writeFailed.traces - before
  // The first of a batch are kept, the last are dropped.
  const kept = ids.slice(0, ids.length - dropped)
  writeSync(1, kept.map((id) => `${id}\n`).join('') + (dropped > 0 ? `dropped ${dropped}\n` : ''))
  await turn()
}
