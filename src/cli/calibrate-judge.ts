import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemWorld } from '../compose.ts'
import type { Config } from '../domain/policy.ts'
import { calibrationRecords } from '../evaluate/judge/calibration-records.ts'
import { type Calibration, calibrate, calibrateTasks, type LabelledPair } from '../evaluate/judge/calibration.ts'
import { createJudgeDesk } from '../evaluate/judge/judge-desk.ts'
import { gradeLabels, judgeLabels } from '../evaluate/judge/judge-labels.ts'
import { lackOfTrust } from '../evaluate/judge/judge-trust.ts'
import { judgeVersion } from '../evaluate/judge/judge-model.ts'
import { judgeOfPolicy } from '../evaluate/judge/judge-of-policy.ts'
import { PAIRWISE_PROMPT } from '../evaluate/judge/pairwise-prompt.ts'
import { readLabels } from '../evaluate/judge/read-labels.ts'
import { RUBRIC_PROMPT } from '../evaluate/judge/rubric-prompt.ts'
import { createSendJudge } from '../evaluate/judge/send-judge.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import { outboundHeaders } from '../upstream/headers.ts'
import { createPools } from '../upstream/pools.ts'
import { createSend } from '../upstream/send.ts'
import { createSlots } from '../upstream/slots.ts'
import { printTable } from './print-rows.ts'
import { tellStore } from './tell-store.ts'
import type { Terminal } from './terminal.ts'

/** In the data directory: one line of JSON for each prompt of each calibration, newest last. */
export const CALIBRATIONS_FILE = 'judge-calibrations.ndjson'

/**
 * Has the judge of the config judge what people have judged, comparing as in shadows and grading as live, prints how far
 * they agree, and keeps that in a file and in the store, where rollouts look whether their judge may be trusted. Exit code 1 where the labels cannot be read, there is
 * no judge, or the store does not take it.
 */
export async function calibrateJudge(terminal: Terminal, config: Config, file: string): Promise<number> {
  const { policy, boot } = config
  const text = readFileSync(file, 'utf8')
  const { labels, faults } = readLabels(text)
  for (const fault of faults) terminal.complain(`${file}: ${fault}`)
  if (faults.length > 0) return 1
  const judge = policy.scoring?.judge
  const provider = judge === undefined ? undefined : policy.providers.get(judge.provider)
  if (judge === undefined || provider === undefined) throw new Error('the config names no judge (judge.target)')
  const pools = createPools()
  try {
    const world = systemWorld
    const { price } = createPriceBook(policy)
    const send = createSendJudge({
      world,
      send: createSend(pools, createSlots(), world.monotonic),
      outboundHeaders,
      price,
    })
    const desk = createJudgeDesk({ world, price, send, onCall: () => undefined })
    const model = judgeOfPolicy(judge)
    const matter = { traceId: '', route: '', task: '', policyVersion: '' }
    const asking = {
      ask: desk.askNow({ policy: judge, provider }, matter),
      fenceKey: randomBytes(32).toString('hex'),
      atOnce: judge.maxConcurrent,
    }
    // Who compares two answers well may still grade one badly, and live answers are graded one by one.
    const found = [
      calibrated(judgeVersion(model, PAIRWISE_PROMPT.version), await judgeLabels(model, labels, asking), true),
      calibrated(judgeVersion(model, RUBRIC_PROMPT.version), await gradeLabels(model, labels, asking), false),
    ]
    terminal.print(found.map(printCalibration).join('\n\n'))
    const { refused, spend } = desk.counts()
    if (refused.budget + refused.unpriced > 0) {
      terminal.complain(
        `understudy: ${refused.budget} calls found the budget spent, ${refused.unpriced} had no price; see judge.budget and prices.`,
      )
    }
    mkdirSync(boot.dataDir, { recursive: true, mode: 0o700 })
    const at = new Date(world.now()).toISOString()
    const costUsd = Number(spend.day) / 1e12
    const kept = found.map(({ version, all, tasks }) =>
      JSON.stringify({ at, version, cost_usd: costUsd, all, tasks: Object.fromEntries(tasks) }),
    )
    appendFileSync(join(boot.dataDir, CALIBRATIONS_FILE), `${kept.join('\n')}\n`, { mode: 0o600 })
    const labelSet = createHash('sha256').update(text).digest('hex').slice(0, 16)
    const run = { id: world.newId(), calibratedAt: world.now(), labelSet, picoUsd: spend.day }
    const records = found.flatMap(({ version, all, tasks }) =>
      calibrationRecords({ ...run, judgeVersion: version }, all, tasks),
    )
    await tellStore(config, {
      path: '/admin/calibrations',
      json: { calibrations: records.map((record) => ({ ...record, picoUsd: String(record.picoUsd) })) },
      toStore: (store) => store.keepCalibrations(records),
    })
    return 0
  } finally {
    await pools.close()
  }
}

type Calibrated = {
  readonly version: string
  readonly all: Calibration
  readonly tasks: ReadonlyMap<string, Calibration>
}

function calibrated(version: string, judged: readonly LabelledPair[], isOrdered: boolean): Calibrated {
  return { version, all: calibrate(judged, isOrdered), tasks: calibrateTasks(judged, isOrdered) }
}

function printCalibration({ version, all, tasks }: Calibrated): string {
  const rows = [['all', all] as const, ...tasks].map(([task, found]) => [
    task,
    found.pairs,
    found.failed,
    shown(found.kappa) +
      (found.kappaInterval === undefined
        ? ''
        : ` [${shown(found.kappaInterval.low)}, ${shown(found.kappaInterval.high)}]`),
    shown(found.weightedKappa),
    shown(found.agreement),
    shown(found.swapConsistency),
    shown(found.positionBias),
    found.lengthBias === undefined
      ? '-'
      : `${shown(found.lengthBias.slope)}${found.lengthBias.isLengthMoved ? ' !' : ''}`,
  ])
  const columns = [
    'task',
    'pairs',
    'failed',
    'κ [95 %]',
    'weighted κ',
    'agreement',
    'swap consistency',
    'position bias',
    'length bias',
  ]
  const confusion = all.confusion.map((counts, index) => [['loss', 'tie', 'win'][index] ?? '', ...counts])
  return [
    `Judge ${version}`,
    printTable({ columns, rows }),
    '',
    'People (rows) against the judge (columns), from the candidate:',
    printTable({ columns: ['', 'loss', 'tie', 'win'], rows: confusion }),
    '',
    ...[['all labels', all] as const, ...tasks].map(([what, found]) => trustLine(what, lackOfTrust(found))),
  ].join('\n')
}

function trustLine(what: string, lack: string | undefined): string {
  return lack === undefined ? `Rollouts trust it on ${what}.` : `Rollouts do not trust it on ${what}: ${lack}.`
}

function shown(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(3)
}
