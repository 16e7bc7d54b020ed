import type { MetricSources } from './metric-sources.ts'
import { one, type Reading, type SourceFamily } from './source-family.ts'

/** Rows on their way to ClickHouse, and those that will not arrive. */
export function spoolFamilies({
  now,
  spool,
  spoolMaxBytes,
  notBuiltRows,
  writer,
}: MetricSources): readonly SourceFamily[] {
  return [
    {
      type: 'gauge',
      name: 'understudy_spool_rows',
      help: 'Rows not yet acknowledged by ClickHouse.',
      labelNames: [],
      isKept: true,
      read: () => one(spool().rows),
    },
    {
      type: 'gauge',
      name: 'understudy_spool_bytes',
      help: 'Bytes of the rows not yet acknowledged by ClickHouse.',
      labelNames: [],
      isKept: true,
      read: () => one(spool().bytes),
    },
    {
      type: 'gauge',
      name: 'understudy_spool_max_bytes',
      help: 'Cap of the spool; beyond it the oldest rows are dropped.',
      labelNames: [],
      isKept: true,
      read: () => one(spoolMaxBytes),
    },
    {
      type: 'gauge',
      name: 'understudy_spool_oldest_unsent_seconds',
      help: 'Age of the oldest row not yet acknowledged by ClickHouse; 0 when there is none.',
      labelNames: [],
      isKept: true,
      read: () => {
        const { oldestAt } = spool()
        // The wall clock may have been set back since.
        return one(oldestAt === undefined ? 0 : Math.max(0, now() - oldestAt) / 1000)
      },
    },
    {
      type: 'counter',
      name: 'understudy_spool_dropped_rows_total',
      help: 'Rows lost: at the cap of the spool, to a disk that refused them, to a loss of power, to a bug. Alert on any.',
      labelNames: ['table', 'reason'],
      isKept: true,
      read: () => [
        ...perTable(spool().droppedRows.overCap, 'over_cap'),
        ...perTable(spool().droppedRows.writeFailed, 'write_failed'),
        ...perTable(writer().missingRows, 'power_loss'),
        ...perTable(notBuiltRows(), 'not_built'),
      ],
    },
    {
      type: 'counter',
      name: 'understudy_spool_quarantined_rows_total',
      help: 'Rows that ClickHouse refused, kept in the table quarantine or, refused there too, as files of the spool.',
      labelNames: ['table', 'kept_in'],
      isKept: true,
      read: () => [...perTable(writer().quarantinedRows, 'table'), ...perTable(writer().deadRows, 'files')],
    },
    {
      type: 'counter',
      name: 'understudy_spool_sync_failures_total',
      help: 'Times that the disk refused to sync: rows that survive a kill, but perhaps not a loss of power.',
      labelNames: [],
      read: () => one(spool().syncFailures),
    },
  ]
}

/** ClickHouse, as whoever writes to it sees it. */
export function storeFamilies({ writer, isStoreUp }: MetricSources): readonly SourceFamily[] {
  return [
    {
      type: 'gauge',
      name: 'understudy_store_up',
      help: '1 while ClickHouse takes rows, 0 while it does not; absent without a store.',
      // A metric without labels reads 0 from its birth on; one with labels can be absent.
      labelNames: ['store'],
      read: () => {
        const isUp = isStoreUp()
        return isUp === undefined ? [] : [[['clickhouse'], isUp ? 1 : 0]]
      },
    },
    {
      type: 'counter',
      name: 'understudy_store_inserted_rows_total',
      help: 'Rows acknowledged by ClickHouse.',
      labelNames: ['table'],
      read: () => Object.entries(writer().insertedRows).map(([table, rows]) => [[table], rows]),
    },
    {
      type: 'counter',
      name: 'understudy_store_insert_retries_total',
      help: 'Batches sent again because ClickHouse had not acknowledged them.',
      labelNames: [],
      read: () => one(writer().retries),
    },
  ]
}

function perTable(rows: Readonly<Record<string, number>>, reason: string): readonly Reading[] {
  return Object.entries(rows).map(([table, count]) => [[table, reason], count])
}
