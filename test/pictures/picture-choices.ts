import type { StoreClient } from '../../src/store/client.ts'
import type { BoardFile } from '../fakes/dashboard-file.ts'
import { asAlertSends, type Choices, type GrafanaWindow } from '../fakes/grafana-query.ts'
import { cell } from './shown-frame.ts'

/** What Grafana chooses when a dashboard is opened: All, or else the first value that a variable's query gives. */
export async function pictureChoices(client: StoreClient, board: BoardFile, window: GrafanaWindow): Promise<Choices> {
  const chosen: Record<string, readonly string[] | 'all'> = {}
  for (const { name, query, includeAll } of board.templating.list) {
    if (typeof query === 'string') chosen[name] = [query]
    else if (includeAll === true) chosen[name] = 'all'
    else {
      const { rows } = await client.ask(asAlertSends(query.rawSql, window), { settings: {}, maxBytes: 1_000_000 })
      chosen[name] = [String(cell(rows[0]?.[0]) ?? '')]
    }
  }
  return chosen
}
