import type { SpoolFacts } from '../admin/ports.ts'
import type { Log, World } from '../domain/ports.ts'
import type { Insert } from '../store/insert.ts'
import type { Spool } from '../store/spool.ts'
import { startWriter } from '../store/writer.ts'
import type { Writer } from '../store/writer.ts'
import type { PerTable, SpoolLoad, WriterCounts } from '../telemetry/metric-sources.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** A spool and the writer that empties it. A process has one of its own and those that it found. */
export type RowLane = { readonly spool: Spool; readonly writer: Writer }

export type LaneOptions = {
  readonly insert: Insert
  readonly metrics: Metrics
  readonly world: World
  readonly log: Log
}

/** Starts to empty `spool`. */
export function openRowLane(spool: Spool, { insert, metrics, world, log }: LaneOptions): RowLane {
  const measured: Insert = async (table, rows, token) => {
    const startedAt = world.monotonic()
    const inserted = await insert(table, rows, token)
    metrics.observeInsert({ table, result: inserted.kind, durationMs: world.monotonic() - startedAt })
    return inserted
  }
  return { spool, writer: startWriter({ spool, insert: measured, world, log }) }
}

/** What the metrics say of all lanes together. */
export function spoolLoad(lanes: readonly RowLane[]): SpoolLoad {
  const held = lanes.map(({ spool }) => spool.status())
  return {
    rows: sum(held.map(({ rows }) => rows)),
    bytes: sum(held.map(({ bytes }) => bytes)),
    oldestAt: earliest(held.map(({ oldestAt }) => oldestAt)),
    droppedRows: {
      overCap: addRows(held.map(({ droppedRows }) => droppedRows.overCap)),
      writeFailed: addRows(held.map(({ droppedRows }) => droppedRows.writeFailed)),
    },
    syncFailures: sum(held.map(({ syncFailures }) => syncFailures)),
  }
}

export function writerCounts(lanes: readonly RowLane[]): WriterCounts {
  const sent = lanes.map(({ writer }) => writer.status())
  return {
    insertedRows: addRows(sent.map(({ insertedRows }) => insertedRows)),
    quarantinedRows: addRows(sent.map(({ quarantinedRows }) => quarantinedRows)),
    deadRows: addRows(sent.map(({ deadRows }) => deadRows)),
    missingRows: addRows(sent.map(({ missingRows }) => missingRows)),
    retries: sum(sent.map(({ retries }) => retries)),
  }
}

/** Why the store takes no rows just now. */
export function outageOf(lanes: readonly RowLane[]): string | undefined {
  return lanes.map(({ writer }) => writer.status().outage).find((outage) => outage !== undefined)
}

/** What the admin port says of all lanes together. `notBuilt`: rows lost before they came to a spool. */
export function spoolFacts(lanes: readonly RowLane[], notBuilt: PerTable, maxBytes: number): SpoolFacts {
  const { rows, bytes, oldestAt, droppedRows } = spoolLoad(lanes)
  const { missingRows, quarantinedRows, deadRows } = writerCounts(lanes)
  return {
    rows,
    bytes,
    maxBytes,
    oldestAt,
    droppedRows: sum([droppedRows.overCap, droppedRows.writeFailed, missingRows, notBuilt].map(total)),
    quarantinedRows: total(quarantinedRows) + total(deadRows),
  }
}

/** `SpoolFacts` as they come from another process. */
type SpoolTotals = Omit<SpoolFacts, 'maxBytes' | 'oldestAt'> & { readonly oldestAt?: number | undefined }

/** Adds up what several processes say of their spools; `maxBytes` is the cap of all. */
export function addSpoolFacts(all: readonly SpoolTotals[], maxBytes: number): SpoolFacts {
  return {
    rows: sum(all.map(({ rows }) => rows)),
    bytes: sum(all.map(({ bytes }) => bytes)),
    maxBytes,
    oldestAt: earliest(all.map(({ oldestAt }) => oldestAt)),
    droppedRows: sum(all.map(({ droppedRows }) => droppedRows)),
    quarantinedRows: sum(all.map(({ quarantinedRows }) => quarantinedRows)),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Rows per table, added up. */
export function addRows(counts: readonly PerTable[]): PerTable {
  const added: Record<string, number> = {}
  for (const count of counts) {
    for (const [table, rows] of Object.entries(count)) added[table] = (added[table] ?? 0) + rows
  }
  return added
}

function total(rows: PerTable): number {
  return sum(Object.values(rows))
}
