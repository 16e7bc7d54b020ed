import { setTimeout as delay } from 'node:timers/promises'
import type { OpenAI } from 'openai'
import { systemWorld } from '../compose.ts'
import { arithmeticQuestion } from '../simulator/known-questions.ts'
import { drawSequence } from '../simulator/draw.ts'
import { CANDIDATES_PLAY, DEMO_CANDIDATES, type DemoCandidate } from './demo-candidates.ts'
import type { DemoSdks } from './demo-client.ts'
import { type DemoStage, openDemoStage } from './demo-stage.ts'
import { type JsonRow, rowsIn, textIn } from './json-rows.ts'

export type DemoRolloutsOptions = {
  readonly seed: number
  readonly keep: boolean
  readonly version: string
  readonly print: (line: string) => void
  readonly stop: AbortSignal
}

/** What became of a candidate. */
export type DemoOutcome = {
  readonly candidate: DemoCandidate
  readonly phase: string
  readonly phaseText: string
  readonly highestPercent: number
  readonly reason: string
  /** Requests that the candidate was to answer. */
  readonly exposed: number
}

const CONCURRENCY = 24
const LOOK_EVERY_MS = 500
const STORE_READY_MS = 90_000
/** A demo is watched: what has not come to an end by then has none. */
const LONGEST_MS = 270_000

/** Four candidates on one stage, with real SDK traffic, until each has got what it deserves. Throws when `stop` aborts. */
export async function demoRollouts(sdks: DemoSdks, options: DemoRolloutsOptions): Promise<readonly DemoOutcome[]> {
  const { seed, keep, version, print, stop } = options
  const stage = await openDemoStage(seed, version, CANDIDATES_PLAY)
  try {
    await stage.storeReady(AbortSignal.any([stop, AbortSignal.timeout(STORE_READY_MS)]))
    for (const { name, model, says } of DEMO_CANDIDATES) print(`  ${name.padEnd(10)} ${model.padEnd(9)} ${says}`)
    print('')
    return await play(sdks, stage, options)
  } finally {
    await stage.close()
    if (keep) print(`Config, log and data stay in ${stage.dir}`)
    else await stage.discard()
  }
}

async function play(sdks: DemoSdks, stage: DemoStage, options: DemoRolloutsOptions): Promise<readonly DemoOutcome[]> {
  const { print, stop } = options
  const startedAt = systemWorld.monotonic()
  const over = new AbortController()
  const asking = new Set(DEMO_CANDIDATES.map(({ name }) => name))
  const exposed = new Map<string, number>()
  const traffic = keepAsking(sdks, stage, options, asking, exposed, AbortSignal.any([stop, over.signal]))
  const seen = new Map<string, DemoOutcome>()
  const adminUrl = `http://${stage.app.admin.host}:${stage.app.admin.port}`
  try {
    while (!isOver(seen) && systemWorld.monotonic() - startedAt < LONGEST_MS) {
      stop.throwIfAborted()
      const rollouts = rowsIn(await (await fetch(`${adminUrl}/admin/rollouts`)).json(), 'rollouts')
      for (const candidate of DEMO_CANDIDATES) {
        const row = rollouts.find((each) => textIn(each, 'name') === candidate.name)
        if (row === undefined) continue
        const before = seen.get(candidate.name)
        const now = outcomeOf(candidate, row, before, exposed.get(candidate.name) ?? 0)
        seen.set(candidate.name, now)
        if (candidate.isOver(now.phase)) asking.delete(candidate.name)
        if (before?.phaseText === now.phaseText || now.phase === 'unknown' || now.phase === 'draft') continue
        const seconds = ((systemWorld.monotonic() - startedAt) / 1000).toFixed(0).padStart(4)
        for (const line of changeLines(`${seconds} s`, now)) print(line)
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: stop })
    }
  } finally {
    over.abort()
    await traffic
  }
  return DEMO_CANDIDATES.flatMap(({ name }) => seen.get(name) ?? [])
}

/** The one that is neither good enough nor surely bad may go on for ever: it is waited for as long as for the others. */
function isOver(seen: ReadonlyMap<string, DemoOutcome>): boolean {
  const left = DEMO_CANDIDATES.filter((candidate) => {
    const now = seen.get(candidate.name)
    return now === undefined || !candidate.isOver(now.phase)
  })
  return left.every(({ model }) => model === 'lesser')
}

function outcomeOf(
  candidate: DemoCandidate,
  row: JsonRow,
  before: DemoOutcome | undefined,
  exposed: number,
): DemoOutcome {
  return {
    candidate,
    phase: textIn(row, 'phase'),
    phaseText: textIn(row, 'phase_text'),
    highestPercent: Math.max(before?.highestPercent ?? 0, Number(row['percent'])),
    reason: textIn(row, 'reason'),
    exposed,
  }
}

function changeLines(when: string, { candidate, phaseText, reason }: DemoOutcome): readonly string[] {
  const [first = '', ...more] = wrapped(`${phaseText}: ${reason}`, 58)
  return [`${when}  ${candidate.name.padEnd(10)} ${first}`, ...more.map((line) => `${' '.repeat(19)}${line}`)]
}

/** Words in lines of at most `width` columns. */
export function wrapped(words: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of words.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Asks as long as there is a candidate to ask about; each request is a conversation of its own. */
async function keepAsking(
  sdks: DemoSdks,
  stage: DemoStage,
  { seed }: DemoRolloutsOptions,
  asking: ReadonlySet<string>,
  exposed: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const openai = new sdks.OpenAI({ baseURL: `${stage.proxyUrl}/openai/v1`, apiKey: 'sk-client', maxRetries: 0 })
  const next = drawSequence(seed, 'demo', 'questions', 0)
  let asked = 0
  const ask = async (): Promise<void> => {
    while (!signal.aborted && asking.size > 0) {
      asked += 1
      const features = DEMO_CANDIDATES.flatMap(({ name, weight }) =>
        asking.has(name) ? Array.from({ length: weight }, () => name) : [],
      )
      const feature = features[asked % features.length] ?? ''
      const { prompt } = arithmeticQuestion(next)
      const arm = await askOnce(openai, { feature, session: `${seed}-${asked}`, prompt }, signal)
      if (arm === 'candidate') exposed.set(feature, (exposed.get(feature) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, ask))
}

/** Resolves to the arm that answered; '' where the call came to nothing. */
async function askOnce(
  openai: OpenAI,
  { feature, session, prompt }: { readonly feature: string; readonly session: string; readonly prompt: string },
  signal: AbortSignal,
): Promise<string> {
  try {
    const { response } = await openai.chat.completions
      .create(
        { model: 'lead', messages: [{ role: 'user', content: prompt }] },
        { headers: { 'x-understudy-tags': `feature=${feature}`, 'x-understudy-session': session }, signal },
      )
      .withResponse()
    return response.headers.get('x-understudy-arm') ?? ''
  } catch {
    return '' // stable answers where a candidate fails; what is left are calls that were cut at the end
  }
}
