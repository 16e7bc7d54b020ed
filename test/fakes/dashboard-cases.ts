import type { StoreClient } from '../../src/store/client.ts'
import { insertEvidence } from './dashboard-evidence.ts'
import { insertTraffic } from './dashboard-rows.ts'

/** Rows of generated traffic by database. */
export const DASHBOARD_CASES = {
  busy: { requests: 5000, models: 4 },
  one: { requests: 1, models: 1 },
  unpriced: { requests: 200, models: 'unpriced' },
  single: { requests: 500, models: 1 },
} as const

/** Fills each database with what it is called after: the 22 hours that end a second before `end`. */
export async function insertCases(clients: ReadonlyMap<string, StoreClient>, end: Date): Promise<void> {
  for (const [database, traffic] of Object.entries(DASHBOARD_CASES)) {
    const client = clients.get(database)
    if (client === undefined) throw new Error(`no database ${database}`)
    const rows = { ...traffic, until: new Date(end.getTime() - 1000), spanSeconds: 22 * 3600 }
    await insertTraffic(client, rows)
    await insertEvidence(client, rows)
  }
}
