import type { StoreClient } from '../../src/store/client.ts'
import type { BoardFile } from '../fakes/dashboard-file.ts'
import { asAlertSends, type Choices, type GrafanaWindow } from '../fakes/grafana-query.ts'
import { cell } from './shown-frame.ts'

/** For a text that somebody types: a request about which there is most to show. */
const TYPED = 'SELECT toString(trace_id) FROM pairs WHERE d < 0 AND NOT is_control ORDER BY trace_at DESC LIMIT 1'

/** What Grafana chooses when a dashboard is opened: All, or else the first value that a variable's query gives. */
export async function pictureChoices(client: StoreClient, board: BoardFile, window: GrafanaWindow): Promise<Choices> {
  const firstOf = async (sql: string): Promise<readonly string[]> => {
    const { rows } = await client.ask(asAlertSends(sql, window), { settings: {}, maxBytes: 1_000_000 })
    return [String(cell(rows[0]?.[0]) ?? '')]
  }
  const chosen: Record<string, readonly string[] | 'all'> = {}
  for (const { name, type, query, includeAll } of board.templating.list) {
    if (type === 'textbox') chosen[name] = await firstOf(TYPED)
    else if (typeof query !== 'string') chosen[name] = includeAll === true ? 'all' : await firstOf(query.rawSql)
  }
  return chosen
}
