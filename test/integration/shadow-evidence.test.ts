import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulator/start-simulator.ts'
import { readReportRows } from '../../src/evaluate/report/read-report-rows.ts'
import { reportQueries } from '../../src/evaluate/report/report-queries.ts'
import { shadowReport, type ShadowReport } from '../../src/evaluate/report/shadow-report.ts'
import { recordedModels, recordedQuestions, type RecordedQuestion } from '../fakes/a-shadow-run.ts'
import { startApp, type TestApp } from '../fakes/an-app.ts'
import { expectCovered } from '../fakes/judged-run.ts'
import { rowsByAdmin } from '../fakes/rows-by-admin.ts'

// The whole of it, as an operator has it: requests of clients, the mirror, both models, the judge, ClickHouse and the
// report. Two models whose answers are recorded, so that what the report should say is known.

const CLIENTS = 12
/** Pairs of candidate and stable; those of the A/A share come on top. */
const PAIRS = 2_000
/** Some rest when the machine is short of time; so many are asked at most. */
const MOST_ASKED = 8_000

const all = recordedQuestions()
let simulator: Simulator
let app: TestApp

beforeAll(async () => {
  simulator = await startSimulator(recordedModels(all.slice(0, MOST_ASKED)))
  const budget = { per_hour: 1_000, per_day: 1_000 }
  app = await startApp({
    providers: { openai: { dialect: 'openai', base_url: simulator.url, api_key: 'sk-server' } },
    prices: [
      { model: 'strong', input: 10, output: 30 },
      { model: 'weak', input: 1, output: 2 },
      { model: '*', input: 1, output: 2 },
    ],
    shadows: {
      cheaper: {
        candidates: ['openai/weak'],
        sample: '100%',
        aa_share: '10%',
        budget,
        max_concurrent: 8,
        max_queued: 1_000,
      },
    },
    judge: { target: 'openai/judge-exact', budget, max_concurrent: 8, max_queued: 10_000 },
    log: { requests: false },
  })
})
afterAll(async () => {
  await app?.close()
  await simulator?.close()
})

test('over 2,000 pairs the report covers the true difference within .05, and that of nine subjects of ten; the funnel adds up', async () => {
  const asked = await askUntil(PAIRS)
  const report = await reportWhen(
    (found) => atStage(found, 'eligible') >= asked && judged(found) >= atStage(found, 'mirrored'),
  )
  const { pooled, control } = report
  expect(pooled.pairs).toBeGreaterThanOrEqual(PAIRS)
  expect(pooled.failed).toBe(0)
  expectCovered(report, pooled.pairs, all, 0.05)
  expect(control).toMatchObject({ failed: 0, mean: 0 })
  expect(report.verdict).toMatch(
    /^weak is worse than strong by more than 0\.05 .* it costs \d\d\.\d % less than strong/,
  )

  const count = (stage: string): number => atStage(report, stage)
  expect(count('eligible')).toBe(asked)
  expect(count('eligible')).toBe(count('skipped') + count('mirrored'))
  expect(count('mirrored')).toBe(count('compared') + count('failed'))
  expect(count('compared')).toBe(judged(report))
})

type Candidate = { readonly is_control: boolean; readonly mirrored: number }

function atStage({ funnel }: ShadowReport, stage: string): number {
  return funnel.reduce((sum, row) => sum + (row.stage === stage ? row.requests : 0), 0)
}

function judged({ pooled, control }: ShadowReport): number {
  return pooled.pairs + (control?.pairs ?? 0)
}

/** Asks one question after the other, from several clients, until the candidate has so many. Resolves to how many were asked. */
async function askUntil(mirrored: number): Promise<number> {
  let next = 0
  let isOver = false
  const client = async (): Promise<void> => {
    while (!isOver && next < MOST_ASKED) {
      const question = all[next++]
      if (question !== undefined) await ask(question)
    }
  }
  const watch = async (): Promise<void> => {
    while (!isOver && next < MOST_ASKED) {
      const answer = await fetch(`${app.adminUrl}/admin/shadows`)
      const { shadows }: { shadows: readonly { candidates: readonly Candidate[] }[] } = JSON.parse(await answer.text())
      isOver = shadows[0]?.candidates.some((each) => !each.is_control && each.mirrored >= mirrored) === true
      await sleep(100)
    }
  }
  await Promise.all([watch(), ...Array.from({ length: CLIENTS }, client)])
  return next
}

async function ask({ subject, text }: RecordedQuestion): Promise<void> {
  const answer = await fetch(`${app.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-understudy-task': subject },
    body: JSON.stringify({ model: 'strong', messages: [{ role: 'user', content: text }] }),
  })
  await answer.text()
  expect(answer.status).toBe(200)
}

/** The report as soon as it is whole: verdicts and rows come later than answers. */
async function reportWhen(isWhole: (report: ShadowReport) => boolean): Promise<ShadowReport> {
  const queries = reportQueries({ name: 'cheaper', sinceSeconds: 3_600 })
  for (let look = 0; ; look++) {
    const read = (sql: string) => rowsByAdmin(app.adminUrl, sql)
    const rows = readReportRows({
      verdicts: await read(queries.verdicts),
      lengths: await read(queries.lengths),
      calls: await read(queries.calls),
      savings: await read(queries.savings),
      failures: await read(queries.failures),
      worst: await read(queries.worst),
      funnel: await read(queries.funnel),
    })
    const report = shadowReport('cheaper', rows, 0.05)
    if ((report.evaluator === 'judge' && isWhole(report)) || look > 60) return report
    await sleep(500)
  }
}
