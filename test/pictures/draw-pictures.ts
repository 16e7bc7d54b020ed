import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BOARDS } from '../../dashboards/files.ts'
import type { StoreClient } from '../../src/store/client.ts'
import { startTestEngine } from '../fakes/clickhouse.ts'
import { boardFile, DASHBOARDS } from '../fakes/dashboard-file.ts'
import { insertEvidence } from '../fakes/dashboard-evidence.ts'
import { insertTraffic, type Traffic } from '../fakes/dashboard-rows.ts'
import { asAlertSends, asGrafanaSends, type GrafanaWindow } from '../fakes/grafana-query.ts'
import { type KeptStore, openKeptStore } from '../fakes/kept-store.ts'
import { boardPage, heightOf } from './board-page.ts'
import { secondsOf } from './chart-data.ts'
import { findChromium, screenshot } from './chromium.ts'
import { pictureChoices } from './picture-choices.ts'
import { cell, shownFrame } from './shown-frame.ts'

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: resolve(import.meta.dirname, '../../.understudy/pictures') },
    board: { type: 'string', multiple: true, default: Object.keys(BOARDS) },
    readme: { type: 'boolean', default: false },
    requests: { type: 'string', default: '20000' },
    data: { type: 'string' },
  },
})

/** What the README shows: of three dashboards so many rows of the grid, small. */
const README: Readonly<Record<string, number>> = { overview: 17, quality: 13, rollouts: 24 }
const README_SCALE = 0.75
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * `npm run dashboards:pictures [-- --board NAME --out DIR]`: every dashboard over a generated day, as a PNG. With
 * `--readme` those of the README, into dashboards/pictures; `--requests 0` is a store that nobody has asked yet; `--data DIR`
 * is the data directory of a demo that was kept, or of a proxy that has stopped.
 */
try {
  await drawPictures(findChromium(process.env))
} catch (error) {
  console.error(`understudy: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function drawPictures(chromium: string): Promise<void> {
  const store = options.data === undefined ? await madeUp(Number(options.requests)) : await openKeptStore(options.data)
  const pages = mkdtempSync(join(tmpdir(), 'understudy-pages-'))
  const boards = options.readme ? Object.keys(README) : options.board
  const out = options.readme ? join(DASHBOARDS, 'pictures') : options.out
  mkdirSync(out, { recursive: true })
  try {
    const window = options.data === undefined ? lastDay() : await windowOf(store.client)
    for (const name of boards) {
      const { html, size } = await pageOf(store.client, name, window)
      const [page, png] = [join(pages, `${name}.html`), join(out, `${name}.png`)]
      writeFileSync(page, html)
      const [width] = size
      const shot = options.readme
        ? { size: [width, heightOf(README[name] ?? 0)] as const, scale: README_SCALE }
        : { size, scale: 1 }
      await screenshot(chromium, page, png, shot)
      console.log(`${png}: ${shot.size.join(' × ')}, ${Math.ceil(statSync(png).size / 1000)} KB`)
    }
  } finally {
    await store.close()
    rmSync(pages, { recursive: true, force: true })
  }
}

// Grafana asks for about as many points as a panel has pixels, and picks a round interval: ten minutes of a day.
function lastDay(): GrafanaWindow {
  const intervalMs = 10 * MINUTE_MS
  const to = new Date(Math.floor(Date.now() / intervalMs) * intervalMs)
  return { from: new Date(to.getTime() - DAY_MS), to, intervalMs }
}

/** From the first request to the last, in whole minutes. */
async function windowOf(client: StoreClient): Promise<GrafanaWindow> {
  const sql = 'SELECT toUnixTimestamp(min(received_at)), toUnixTimestamp(max(received_at)) FROM traces'
  const { rows } = await client.ask(sql, { settings: {}, maxBytes: 1_000 })
  const [first, last] = (rows[0] ?? []).map((at) => Number(cell(at)) * 1000)
  const from = Math.floor((first ?? 0) / MINUTE_MS) * MINUTE_MS
  const to = (Math.floor((last ?? 0) / MINUTE_MS) + 1) * MINUTE_MS
  const intervalMs = Math.max(1, Math.round((to - from) / 144 / MINUTE_MS)) * MINUTE_MS
  return { from: new Date(from), to: new Date(to), intervalMs }
}

/** A day of generated traffic; of no requests, a store that nobody has asked yet. */
async function madeUp(requests: number): Promise<KeptStore> {
  const engine = await startTestEngine()
  const client = await engine.migrated()
  const traffic: Traffic = { requests, models: 4, until: lastDay().to, spanSeconds: DAY_MS / 1000 }
  if (requests > 0) {
    await insertTraffic(client, traffic)
    await insertEvidence(client, traffic)
  }
  return { client, close: engine.close }
}

async function pageOf(client: StoreClient, name: string, window: GrafanaWindow) {
  const board = boardFile(name)
  const choices = await pictureChoices(client, board, window)
  const settings = { output_format_json_quote_64bit_integers: 0 } as const
  const marks = []
  for (const { target, iconColor } of board.annotations.list) {
    const { rows } = await client.ask(asAlertSends(target.rawSql, window), { settings, maxBytes: 1_000_000 })
    marks.push(...rows.map(([at]) => ({ at: secondsOf(String(cell(at))), colour: iconColor })))
  }
  const panels = []
  for (const panel of board.panels) {
    const intervalMs = Math.max(window.intervalMs, panel.interval === '15m' ? 15 * MINUTE_MS : 0)
    const sql = asGrafanaSends(panel.targets[0].rawSql, { ...window, intervalMs }, choices)
    const table = await client.ask(sql, { settings, maxBytes: 10_000_000 })
    panels.push([panel, shownFrame(panel, table)] as const)
  }
  return boardPage(board, choices, panels, window, marks)
}
