import type { Insert, Inserted, SpooledTable } from '../../src/store/insert.ts'
import { forEachTable } from '../../src/store/segments.ts'

/** What happens to one insert besides what its rows deserve. A lost ack: stored, but the answer says unavailable. */
export type Fault = 'none' | 'unavailable' | 'lost_ack'

/** A store in memory that keeps the promises of `Insert`: all or nothing per batch, and one batch per token. */
export type Ledger = {
  readonly insert: Insert
  /** Rows stored, as often as they were. */
  readonly rows: (table: SpooledTable) => readonly string[]
  /** Rows in the quarantine table, as they were before they were refused. */
  readonly quarantined: (table: SpooledTable) => readonly string[]
  /** Every call, in order. */
  readonly calls: readonly { readonly table: string; readonly token: string; readonly rows: number }[]
  /** Tokens that came twice with different rows: then a store would have forgotten some. */
  readonly misusedTokens: readonly string[]
}

export type LedgerRules = {
  readonly fault?: (call: { readonly table: string; readonly token: string }) => Fault
  readonly isBad?: (row: string) => boolean
  readonly isBadInQuarantine?: (row: string) => boolean
}

type QuarantineRow = { readonly table_name: SpooledTable; readonly row: string; readonly reason: string }

export function aLedger({
  fault = () => 'none',
  isBad = () => false,
  isBadInQuarantine = () => false,
}: LedgerRules = {}): Ledger {
  const stored = forEachTable((): string[] => [])
  const quarantined = forEachTable((): string[] => [])
  const tokens = new Map<string, string>()
  const calls: { table: string; token: string; rows: number }[] = []
  const misusedTokens: string[] = []

  const answer = (table: SpooledTable | 'quarantine', bytes: Buffer, token: string): Inserted => {
    const lines = bytes.toString().split('\n')
    if (lines.pop() !== '') throw new Error(`batch ${token} ends in the middle of a row`)
    const names = lines.shift() ?? ''
    if (!isListOfNames(names)) throw new Error(`batch ${token} does not begin with the names of its columns: ${names}`)
    calls.push({ table, token, rows: lines.length })
    const what = fault({ table, token })
    if (what === 'unavailable') return { kind: 'unavailable', detail: 'connection refused' }
    const asides = table === 'quarantine' ? lines.map(quarantineRowOf) : []
    const rows = table === 'quarantine' ? asides.map(({ row }) => row) : lines
    const bad = rows.find(table === 'quarantine' ? isBadInQuarantine : isBad)
    if (bad !== undefined) return { kind: 'bad_rows', detail: `cannot parse ${bad}` }
    const known = tokens.get(`${table} ${token}`)
    const content = [names, ...rows].join('\n')
    if (known !== undefined && known !== content) misusedTokens.push(token)
    if (known === undefined) {
      tokens.set(`${table} ${token}`, content)
      if (table === 'quarantine') for (const { table_name, row } of asides) quarantined[table_name].push(row)
      else stored[table].push(...rows)
    }
    return what === 'lost_ack' ? { kind: 'unavailable', detail: 'socket hang up' } : { kind: 'stored' }
  }
  return {
    insert: async (table, rows, token) => {
      const inserted = answer(table, rows, token)
      await new Promise((resolve) => void setImmediate(resolve))
      return inserted
    },
    rows: (table) => stored[table],
    quarantined: (table) => quarantined[table],
    calls,
    misusedTokens,
  }
}

function isListOfNames(line: string): boolean {
  const names: unknown = JSON.parse(line)
  return Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')
}

function quarantineRowOf(line: string): QuarantineRow {
  const [, table_name, reason, row]: [string, SpooledTable, string, string] = JSON.parse(line)
  return { table_name, reason, row }
}
