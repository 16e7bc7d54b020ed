import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { judgeHabits } from '../../src/simulator/model.ts'
import { aDirectory } from '../fakes/a-spool.ts'
import { aSimulator } from '../fakes/a-simulator.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import { runCli } from '../fakes/run-cli.ts'

const simulator = aSimulator()

function aHome(): { readonly dir: string; readonly config: string; readonly labels: string } {
  simulator().setModel('judge-quiet', { judges: judgeHabits() })
  const dir = aDirectory()
  const config = join(dir, 'understudy.yaml')
  const labels = join(dir, 'labels.jsonl')
  const settings = {
    data_dir: join(dir, 'data'),
    store: 'none',
    providers: { sim: { dialect: 'openai', base_url: simulator().url, api_key: 'sk-1' } },
    prices: [{ model: 'judge-*', input: 1, output: 2 }],
    judge: { target: 'sim/judge-quiet', budget: { per_hour: 1, per_day: 1 } },
  }
  writeFileSync(config, JSON.stringify(settings))
  const label = (each: number, human: string, candidate: number, stable: number): string =>
    JSON.stringify({
      prompt: `What is ${each} + 1?`,
      candidate: `It is ${candidate}.`,
      stable: `It is ${stable}.`,
      human,
      task: 'math',
    })
  const lines = Array.from({ length: 30 }, (_, each) => {
    if (each % 3 === 0) return label(each, 'tie', each + 1, each + 1)
    return each % 3 === 1 ? label(each, 'candidate', each + 1, each + 5) : label(each, 'stable', each + 5, each + 1)
  })
  writeFileSync(labels, lines.join('\n'))
  return { dir, config, labels }
}

test('judge calibrate prints how far the judge agrees with people, and keeps it', async () => {
  const { dir, config, labels } = aHome()
  const { code, stdout, stderr } = await runCli(['judge', 'calibrate', labels, '-c', config])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/Judge judge-quiet\/pairwise-1\//)
  expect(stdout).toMatch(/Judge judge-quiet\/rubric-1\//)
  expect(stdout.match(/all +│ 30 +│ 0 +│ 1\.000 \[1\.000, 1\.000\]/g)).toHaveLength(2)
  const kept = readFileSync(join(dir, 'data', 'judge-calibrations.ndjson'), 'utf8')
    .trim()
    .split('\n')
  expect(kept.map((line): unknown => JSON.parse(line))).toMatchObject([
    { all: { pairs: 30, failed: 0, kappa: 1, swapConsistency: 1 }, tasks: { math: { pairs: 30 } } },
    { all: { pairs: 30, failed: 0, kappa: 1 }, tasks: { math: { pairs: 30 } } },
  ])
})

test('judge calibrate names every line that cannot be read', async () => {
  const { config, labels } = aHome()
  writeFileSync(labels, '{"prompt":"x"}\nnonsense')
  const { code, stderr } = await runCli(['judge', 'calibrate', labels, '-c', config])
  expect(code).toBe(1)
  expect(stderr).toMatch(/line 1: human: expected.*\n.*line 2: expected one JSON object/)
})

test('judge calibrate tells the running proxy, and ClickHouse says how far the judge may be trusted', async () => {
  const { labels } = aHome()
  const sim = { dialect: 'openai', base_url: simulator().url, api_key: 'sk-1' }
  const home = await aProxyHome(
    settingsFor(simulator().url, {
      providers: { sim },
      prices: [{ model: 'judge-*', input: 1, output: 2 }],
      judge: { target: 'sim/judge-quiet', budget: { per_hour: 1, per_day: 1 } },
    }),
  )
  onTestFinished(home.close)
  const proxy = await home.start()
  await proxy.stored()
  for (const times of [1, 6]) {
    const text = readFileSync(labels, 'utf8')
    writeFileSync(labels, Array.from({ length: times }, () => text).join('\n'))
    const { code, stdout, stderr } = await runCli(['judge', 'calibrate', labels, '-c', home.configFile])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const said = times === 1 ? 'do not trust it on math: 30 judged pairs of at least 150' : 'trust it on math'
    expect(stdout.split('\n').filter((line) => line === `Rollouts ${said}.`)).toHaveLength(2)
    const trust = await proxy.rows<Record<string, unknown>>(
      `SELECT extract(judge_version, '/([a-z]+)-1/') AS prompt, task, judged, kappa, swap_consistency, is_trusted
       FROM understudy.v_judge_trust ORDER BY prompt, task`,
    )
    const row = { judged: 30 * times, kappa: 1, is_trusted: Number(30 * times >= 150) }
    expect(trust).toEqual([
      { ...row, prompt: 'pairwise', swap_consistency: 1, task: '' },
      { ...row, prompt: 'pairwise', swap_consistency: 1, task: 'math' },
      // How live answers are graded: what is said of comparing two does not vouch for it.
      { ...row, prompt: 'rubric', swap_consistency: null, task: '' },
      { ...row, prompt: 'rubric', swap_consistency: null, task: 'math' },
    ])
  }
  const [kept] = await proxy.rows<Record<string, unknown>>(
    `SELECT count() AS n, uniqExact(calibration_id) AS runs, uniqExact(label_set) AS sets,
       uniqExact(judge_version) AS versions, min(cost_usd) > 0 AS paid, any(length(confusion)) AS rows
     FROM understudy.calibrations`,
  )
  expect(kept).toEqual({ n: 8, runs: 2, sets: 2, versions: 2, paid: 1, rows: 3 })
})
