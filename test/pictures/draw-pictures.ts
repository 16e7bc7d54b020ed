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
  },
})

/** What the README shows: of three dashboards so many rows of the grid, small. */
const README: Readonly<Record<string, number>> = { overview: 17, quality: 13, rollouts: 23 }
const README_SCALE = 0.75

/**
 * `npm run dashboards:pictures [-- --board NAME --out DIR]`: every dashboard over a generated day, as a PNG. With
 * `--readme` those of the README, into dashboards/pictures; `--requests 0` is a store that nobody has asked yet.
 */
try {
  await drawPictures(findChromium(process.env))
} catch (error) {
  console.error(`understudy: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function drawPictures(chromium: string): Promise<void> {
  const until = new Date(Math.floor(Date.now() / 60_000) * 60_000)
  const from = new Date(until.getTime() - 86_400_000)
  // Grafana asks for about as many points as a panel has pixels, and picks a round interval: ten minutes of a day.
  const window: GrafanaWindow = { from, to: until, intervalMs: 600_000 }
  const traffic: Traffic = { requests: Number(options.requests), models: 4, until, spanSeconds: 86_400 }
  const engine = await startTestEngine()
  const pages = mkdtempSync(join(tmpdir(), 'understudy-pages-'))
  const boards = options.readme ? Object.keys(README) : options.board
  const out = options.readme ? join(DASHBOARDS, 'pictures') : options.out
  mkdirSync(out, { recursive: true })
  try {
    const client = await engine.migrated()
    if (traffic.requests > 0) {
      await insertTraffic(client, traffic)
      await insertEvidence(client, traffic)
    }
    for (const name of boards) {
      const { html, size } = await pageOf(client, name, window)
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
    await engine.close()
    rmSync(pages, { recursive: true, force: true })
  }
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
    const intervalMs = Math.max(window.intervalMs, panel.interval === '15m' ? 900_000 : 0)
    const sql = asGrafanaSends(panel.targets[0].rawSql, { ...window, intervalMs }, choices)
    const table = await client.ask(sql, { settings, maxBytes: 10_000_000 })
    panels.push([panel, shownFrame(panel, table)] as const)
  }
  return boardPage(board, choices, panels, window.to, marks)
}
