import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { BOARDS } from '../../dashboards/files.ts'
import { openClient } from '../../src/store/client.ts'
import { launch } from '../../src/store/embedded/launch.ts'
import { ENGINE_READY_MS } from '../fakes/clickhouse.ts'
import { differingPanels } from '../fakes/compare-panels.ts'
import { EVERYTHING, type GrafanaWindow } from '../fakes/grafana-query.ts'
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

  const launched = await launch({
    dir: join(dir, 'clickhouse'),
    port: 0,
    maxMemoryBytes: 1_500_000_000,
    maxThreads: 2,
    database: 'understudy',
    appPassword: 'app',
    roPassword: 'ro',
    readyTimeoutMs: ENGINE_READY_MS,
    signal: new AbortController().signal,
  })
  if (launched.kind === 'failed') throw new Error(launched.detail)
  onTestFinished(() => launched.engine.stop())
  const client = openClient({ url: launched.engine.url, username: 'ro', password: 'ro', database: 'understudy' })
  onTestFinished(() => client.close())

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
