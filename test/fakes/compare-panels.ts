import type { StoreClient } from '../../src/store/client.ts'
import { boardFile, type PanelFile } from './dashboard-file.ts'
import { asGrafanaSends, type Choices, type GrafanaWindow } from './grafana-query.ts'
import { PANEL_REFERENCES, type Reference, referenceSql } from './panel-references.ts'

/** What a panel shows and what its reference says, as numbers; null where nothing is known. */
export type Compared = { readonly panel: string; readonly shown: number | null; readonly expected: number | null }

/** Half a hundredth of a cent, and what is lost in adding up floating point numbers. */
const EXACT = 0.000_05

/** Every panel of these dashboards that does not come to what its reference says; throws where one has none. */
export async function differingPanels(
  client: StoreClient,
  boards: readonly string[],
  window: GrafanaWindow,
  choices: Choices,
): Promise<readonly Compared[]> {
  const differing: Compared[] = []
  for (const name of boards) {
    for (const panel of boardFile(name).panels) {
      const reference = PANEL_REFERENCES[`${name}: ${panel.title}`]
      if (reference === undefined) throw new Error(`panel ${name}: ${panel.title} has no reference`)
      const compared = await compare(client, `${name}: ${panel.title}`, panel, reference, window, choices)
      if (!isSame(compared, reference)) differing.push(compared)
    }
  }
  return differing
}

async function compare(
  client: StoreClient,
  name: string,
  panel: PanelFile,
  reference: Reference,
  window: GrafanaWindow,
  choices: Choices,
): Promise<Compared> {
  const intervalMs = Math.max(window.intervalMs, panel.interval === '15m' ? 900_000 : 60_000)
  const shownWindow = { ...window, intervalMs }
  const settings = { output_format_json_quote_64bit_integers: 0 } as const
  const ask = (sql: string) => client.ask(sql, { settings, maxBytes: 50_000_000 })
  const { columns, rows } = await ask(asGrafanaSends(panel.targets[0].rawSql, shownWindow, choices))
  const one = (variable: string): string => choices[variable]?.[0] ?? ''
  const chosen = { trace: one('trace'), task: one('one_task'), rollout: one('rollout') }
  const { rows: expected } = await ask(referenceSql(reference.sql, { ...shownWindow, ...chosen }))
  const names = columns.map((column) => column.name)
  const numbers = (from: number, to = from + 1): readonly (number | null)[] =>
    rows.flatMap((row) => row.slice(from, to)).map((cell) => (typeof cell === 'number' ? cell : null))
  const sum = (cells: readonly (number | null)[]): number | null =>
    cells.every((each) => each === null) ? null : cells.reduce<number>((so, each) => so + (each ?? 0), 0)
  const shown = (): number | null => {
    if (reference.of === 'rows') return rows.length
    if (reference.of === 'value') return numbers(0)[0] ?? null
    if (reference.of === 'sum of all') return sum(numbers(1, names.length))
    return sum(numbers(names.indexOf(reference.of.slice('sum of '.length))))
  }
  const [[answer] = []] = expected
  return { panel: name, shown: shown(), expected: typeof answer === 'number' ? answer : null }
}

/** Nothing at all and a sum of nothing are the same. */
function isSame({ shown, expected }: Compared, { within = 1e-9, orBy = EXACT }: Reference): boolean {
  const [one, other] = [shown ?? 0, expected ?? 0]
  return Math.abs(one - other) <= Math.max(orBy, Math.abs(other) * within)
}
