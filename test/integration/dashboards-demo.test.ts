import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { BOARDS } from '../../dashboards/files.ts'
import { differingPanels } from '../fakes/compare-panels.ts'
import { EVERYTHING, type GrafanaWindow } from '../fakes/grafana-query.ts'
import { openKeptStore } from '../fakes/kept-store.ts'
import { cell } from '../pictures/shown-frame.ts'
import { runCli } from '../fakes/run-cli.ts'

it('after a demo every panel agrees with SQL written by hand, to the cent', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'understudy-demo-boards-'))
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }))
  const { code, stdout } = await runCli(['demo', '--act', 'calls', '-n', '160', '--keep'], {
    environment: { TMPDIR: temporary },
  })
  expect(code).toBe(0)
  const dir = /^Config, log and data stay in (.+)$/m.exec(stdout)?.[1] ?? ''

  const { client, close } = await openKeptStore(dir)
  onTestFinished(close)
  const [[traces, spend, trace] = []] = (
    await client.ask('SELECT count(), toFloat64(sum(cost_usd)), toString(max(trace_id)) FROM traces', {
      settings: { output_format_json_quote_64bit_integers: 0 },
      maxBytes: 1_000,
    })
  ).rows
  expect(traces).toBeGreaterThan(160) // the SDKs retry
  expect(spend).toBeGreaterThan(0.01)
  // Whole minutes, as the rollups have them.
  const minute = 60_000
  const end = Math.ceil(Date.now() / minute) * minute
  const window: GrafanaWindow = { from: new Date(end - 60 * minute), to: new Date(end), intervalMs: minute }
  const choices = { ...EVERYTHING, baseline: ['gpt-4o'], one_task: ['unknown'], trace: [String(cell(trace))] }
  expect(await differingPanels(client, Object.keys(BOARDS), window, choices)).toEqual([])
})
