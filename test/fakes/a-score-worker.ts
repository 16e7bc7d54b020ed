import { onTestFinished } from 'vitest'
import { createClosers } from '../../src/compose/closers.ts'
import { openScoring } from '../../src/compose/open-scoring.ts'
import type { AnsweredPair, AnsweredSide, LiveAnswer } from '../../src/domain/answered.ts'
import { createCell } from '../../src/domain/cell.ts'
import type { CompareOutcome } from '../../src/domain/answered.ts'
import type { Pair } from '../../src/domain/pair.ts'
import type { JudgeCall, RecordScores } from '../../src/domain/ports.ts'
import type { Score } from '../../src/domain/score.ts'
import type { JudgePolicy, ScoringPolicy } from '../../src/domain/scoring-policy.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import type { ScoreWorker } from '../../src/evaluate/worker.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { aPolicy, aProvider } from './a-provider.ts'
import { realWorld } from './real-world.ts'
import { silentLog } from './silent-log.ts'

/** Rates in pico-dollars per token: 1 USD per million of input, 2 of output. */
const JUDGE_RATES = {
  uncachedInput: 1_000_000,
  cacheRead: 1_000_000,
  cacheWrite5m: undefined,
  cacheWrite1h: undefined,
  audioInput: undefined,
  textOutput: 2_000_000,
  reasoning: 2_000_000,
  audioOutput: undefined,
  webSearch: undefined,
}

export function aJudgePolicy(changes: Partial<JudgePolicy> = {}): JudgePolicy {
  return {
    provider: 'sim',
    model: 'judge-fair',
    api: 'chat_completions',
    pairShare: 1,
    liveShare: 1,
    budget: { perHour: undefined, perDay: undefined },
    maxConcurrent: 16,
    maxQueued: 100_000,
    timeoutMs: 10_000,
    maxOutputTokens: 300,
    isStructured: true,
    parameters: {},
    ...changes,
  }
}

export type WorkerUnderTest = {
  readonly worker: ScoreWorker
  readonly pairs: Pair[]
  readonly scores: Score[]
  readonly judgeCalls: JudgeCall[]
  readonly setScoring: (scoring: ScoringPolicy | undefined) => void
  /** Hands a pair over; resolves with what it settles as. */
  readonly compare: (pair: AnsweredPair) => Promise<CompareOutcome>
}

/** The real worker with a judge at `url`, its rows kept in memory or given to `record`; closed when the test is over. */
export function aScoreWorker(
  url: string,
  judge: Partial<JudgePolicy> | undefined = {},
  record?: RecordScores,
): WorkerUnderTest {
  const pairs: Pair[] = []
  const scores: Score[] = []
  const judgeCalls: JudgeCall[] = []
  const provider = aProvider({ name: 'sim', baseUrl: new URL(url), apiKey: 'sk-test' })
  const prices = [{ provider: 'sim', model: 'judge-*', rates: JUDGE_RATES }]
  const policy = aPolicy([provider], {
    prices,
    scoring: { liveShare: 1, judge: aJudgePolicy(judge), minimum: new Map() },
  })
  const state = createCell<RoutingState>({ policy, policyVersion: 'abc' })
  const closers = createClosers()
  const worker = openScoring(
    {
      state,
      world: realWorld,
      price: createPriceBook(policy).price,
      record: (rows, release) => {
        pairs.push(...(rows.pairs ?? []))
        scores.push(...(rows.scores ?? []))
        judgeCalls.push(...(rows.judgeCalls ?? []))
        if (record === undefined) release()
        else record(rows, release)
      },
      fenceKey: 'a secret of the test',
      processes: 1,
      log: silentLog,
    },
    closers,
  )
  onTestFinished(closers.closeAll)
  return {
    worker,
    pairs,
    scores,
    judgeCalls,
    setScoring: (scoring) => state.swap((before) => ({ ...before, policy: { ...before.policy, scoring } })),
    compare: (pair) => new Promise((resolve) => worker.compare(pair, resolve)),
  }
}

/** A chat answer with this text, as a provider sends it. */
export function chatAnswer(text: string, finish = 'stop'): Buffer {
  const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finish }]
  return Buffer.from(JSON.stringify({ id: 'c', object: 'chat.completion', model: 'm', choices }))
}

export function chatRequest(text: string): Buffer {
  return Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: text }] }))
}

/** A UUID that says nothing of the time, the same for the same number: what draws and fences are made of. */
export function fixedId(last: number): string {
  return `00000000-0000-7000-8000-${last.toString(16).padStart(12, '0')}`
}

export function aSide(changes: Partial<AnsweredSide> = {}): AnsweredSide {
  return {
    attemptId: fixedId(1),
    target: { provider: 'sim', model: 'strong' },
    status: 200,
    body: chatAnswer('It is 42.'),
    cost: { kind: 'unpriced', why: 'no_usage' },
    durationMs: 10,
    firstTokenMs: undefined,
    ...changes,
  }
}

export function anAnsweredPair(changes: Partial<AnsweredPair> = {}): AnsweredPair {
  return {
    traceId: fixedId(0),
    comparison: 'cheaper',
    isControl: false,
    api: 'chat_completions',
    requestBody: chatRequest('What is 6 * 7?'),
    stable: aSide(),
    candidate: aSide({ attemptId: fixedId(2), target: { provider: 'sim', model: 'weak' } }),
    route: 'default',
    task: 'math',
    unit: undefined,
    isRedacted: false,
    policyVersion: 'abc',
    ...changes,
  }
}

export function aLiveAnswer(changes: Partial<LiveAnswer> = {}): LiveAnswer {
  return {
    traceId: fixedId(0),
    receivedAt: 0,
    api: 'chat_completions',
    requestBody: chatRequest('What is 6 * 7?'),
    answer: aSide(),
    route: 'default',
    task: 'math',
    arm: 'none',
    unit: undefined,
    leastShare: 0,
    policyVersion: 'abc',
    ...changes,
  }
}
