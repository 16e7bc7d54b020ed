import { performance } from 'node:perf_hooks'
import { BOARDS } from '../../dashboards/files.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { insertEvidence } from '../fakes/dashboard-evidence.ts'
import { boardFile } from '../fakes/dashboard-file.ts'
import { insertTraffic } from '../fakes/dashboard-rows.ts'
import { asGrafanaSends, EVERYTHING, type GrafanaWindow } from '../fakes/grafana-query.ts'

/** How long a panel's query takes over the newest 24 hours: of `ROUNDS` runs the quickest, and the one in the middle. */
export type PanelTime = { readonly panel: string; readonly leastMs: number; readonly medianMs: number }

const DAYS = 30
const ROUNDS = 5
const DAY_MS = 86_400_000
/** A statement's worth: one INSERT of all rows would hold the aggregates of all days in memory at once. */
const CHUNK_DAYS = 1

/** Fills an empty store with `requests` over 30 days, evenly by day, and what was said of them. Ends at a full hour. */
export async function insertMonth(client: StoreClient, requests: number): Promise<Date> {
  const end = Math.floor(Date.now() / 3_600_000) * 3_600_000
  for (let day = DAYS; day > 0; day -= CHUNK_DAYS) {
    const rows = {
      requests: Math.round((requests * CHUNK_DAYS) / DAYS),
      models: 4,
      until: new Date(end - (day - CHUNK_DAYS) * DAY_MS - 1000),
      spanSeconds: (CHUNK_DAYS * DAY_MS) / 1000,
    }
    await insertTraffic(client, rows)
    await insertEvidence(client, rows)
  }
  return new Date(end)
}

/** Asks every panel of every dashboard, round by round, so that what else the machine does falls on all alike. */
export async function timePanels(client: StoreClient, end: Date): Promise<readonly PanelTime[]> {
  // As Grafana asks for a panel of 900 pixels.
  const window: GrafanaWindow = { from: new Date(end.getTime() - DAY_MS), to: end, intervalMs: 120_000 }
  const panels = Object.keys(BOARDS).flatMap((name) =>
    boardFile(name).panels.map(({ title, interval, targets }) => ({
      panel: `${name}: ${title}`,
      sql: asGrafanaSends(
        targets[0].rawSql,
        { ...window, intervalMs: interval === '15m' ? 900_000 : window.intervalMs },
        EVERYTHING,
      ),
      times: new Array<number>(),
    })),
  )
  for (let round = 0; round < ROUNDS; round++) {
    for (const { sql, times } of panels) {
      const started = performance.now()
      await client.ask(sql, { settings: {}, maxBytes: 50_000_000 })
      times.push(performance.now() - started)
    }
  }
  return panels.map(({ panel, times }) => {
    const sorted = times.toSorted((one, other) => one - other)
    return { panel, leastMs: sorted[0] ?? 0, medianMs: sorted[Math.floor(ROUNDS / 2)] ?? 0 }
  })
}
