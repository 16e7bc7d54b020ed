import { setTimeout as sleep } from 'node:timers/promises'
import { answerContentOf } from '../dialects/answer-content.ts'
import { type PromptContent, promptContentOf } from '../dialects/prompt-content.ts'
import type { AnsweredPair, CompareOutcome, LiveAnswer } from '../domain/answered.ts'
import { unitShare } from '../domain/assign.ts'
import type { Policy } from '../domain/policy.ts'
import { createRedactor, type RedactionRules, type Redactor } from '../domain/redaction/redactor.ts'
import type { Closable, Compare, LiveScoring, Log, RecordScores, World } from '../domain/ports.ts'
import type { JudgePolicy, ScoringPolicy } from '../domain/scoring-policy.ts'
import type { Spend } from '../domain/spend-budget.ts'
import { createBoundedQueue } from './bounded-queue.ts'
import { compareSides } from './compare-sides.ts'
import type { Evaluator } from './evaluator.ts'
import type { DeskCounts, JudgeDesk, SeatedJudge } from './judge/judge-desk.ts'
import { judgeOfPolicy } from './judge/judge-of-policy.ts'
import { judgePair } from './judge/judge-pair.ts'
import { judgeLive } from './judge/judge-live.ts'
import { evaluatorPair, judgePairRow, type ReadPair } from './pair-rows.ts'
import { evaluatorScores, judgeScore } from './score-rows.ts'
import { createStratifiedSample } from './stratified-sample.ts'

export type ScoreWorkerOptions = {
  readonly world: World
  readonly policy: () => Pick<Policy, 'providers' | 'scoring' | 'content'>
  readonly evaluators: readonly Evaluator[]
  readonly desk: JudgeDesk
  readonly record: RecordScores
  /** From which the fences of judge requests are made; a secret of the process. */
  readonly fenceKey: string
  readonly log: Log
}

export type ScoreWorker = Closable & {
  readonly compare: Compare
  readonly live: LiveScoring
  readonly counts: () => ScoreCounts
  /** More waits to be read than is read in good time. */
  readonly isBehind: () => boolean
  /** Counts what the judge cost before this process began. */
  readonly addSpend: (spent: Spend) => void
  /** Resolves when nothing waits and nobody is being asked. */
  readonly idle: () => Promise<void>
}

export type ScoreCounts = {
  readonly queued: number
  readonly comparedPairs: number
  readonly scoredAnswers: number
  /** Answers and pairs that found the queue full. */
  readonly dropped: number
  /** Of judges' verdicts: reasons why there is none. */
  readonly judged: number
  readonly judgeFailures: Readonly<Record<string, number>>
  readonly desk: DeskCounts
}

/** How long the end waits for verdicts under way; what comes later is missing. */
const CLOSE_WAIT_MS = 2_000
/** Pairs and answers that wait to be read. */
const MAX_QUEUED = 1_000
/** With more waiting, nothing should be added that can be left out. */
const MUCH_QUEUED = MAX_QUEUED / 2
/** Work of one turn of the event loop, in milliseconds: a pair takes a fraction of one, and live requests come between. */
const TURN_MS = 1
const MAX_QUEUED_BYTES = 64 * 1024 * 1024
/** Beyond this a request with its answers is not read: reading takes time that live requests wait for. */
const MAX_READ_BYTES = 4 * 1024 * 1024

/** Scores answers, for a millisecond a turn of the event loop, so that whatever live traffic there is comes between. */
export function createScoreWorker(options: ScoreWorkerOptions): ScoreWorker {
  const { world, evaluators, desk, record, fenceKey, log } = options
  const queue = createBoundedQueue<() => void>(MAX_QUEUED_BYTES)
  const sample = { rules: createStratifiedSample(), judge: createStratifiedSample(), pairs: createStratifiedSample() }
  const counts = { comparedPairs: 0, scoredAnswers: 0, dropped: 0, judged: 0 }
  const judgeFailures: Record<string, number> = {}
  let next: NodeJS.Immediate | undefined
  let isClosed = false
  const onIdle: (() => void)[] = []
  let redactor: { readonly rules: RedactionRules | undefined; readonly made: Redactor } = {
    rules: undefined,
    made: createRedactor({ builtIn: [], patterns: [], paths: [] }),
  }

  const scoring = (): ScoringPolicy | undefined => options.policy().scoring

  const enqueue = (work: () => void, bytes: number): boolean => {
    if (isClosed || !queue.push(work, bytes, MAX_QUEUED)) {
      counts.dropped += 1
      return false
    }
    next ??= setImmediate(turn)
    return true
  }
  function turn(): void {
    const until = world.monotonic() + TURN_MS
    do {
      try {
        queue.shift()?.()
      } catch (bug) {
        log.error('scoring_failed', { bug })
      }
    } while (queue.size() > 0 && world.monotonic() < until)
    next = queue.size() > 0 ? setImmediate(turn) : undefined
    if (next === undefined) for (const resolve of onIdle.splice(0)) resolve()
  }

  /** What a judge never sees: what is never stored either. */
  const redact = (): ((text: string) => string) => {
    const { rules } = options.policy().content
    if (rules !== redactor.rules) redactor = { rules, made: createRedactor(rules) }
    const { made } = redactor
    return (text) => made.text(text, new Map())
  }

  /** The judge of the policy, unless one of `models` is its own: nobody judges himself. */
  const judgeFor = (models: readonly (string | undefined)[]): SeatedJudge | undefined => {
    const { providers } = options.policy()
    const judge = scoring()?.judge
    const provider = judge === undefined ? undefined : providers.get(judge.provider)
    if (judge === undefined || provider === undefined || models.includes(judge.model)) return undefined
    return { policy: judge, provider }
  }
  const isJudged = (
    traceId: string,
    stratum: string,
    share: (judge: JudgePolicy) => number,
    judge: SeatedJudge,
    kind: 'judge' | 'pairs',
  ): boolean => sample[kind](stratum, unitShare('judge', traceId), share(judge.policy), world.now())
  const countJudged = (failure: string | undefined): void => {
    if (failure === undefined) counts.judged += 1
    else judgeFailures[failure] = (judgeFailures[failure] ?? 0) + 1
  }

  const readPair = (pair: AnsweredPair): ReadPair | undefined => {
    const bytes = pair.requestBody.length + pair.stable.body.length + pair.candidate.body.length
    if (bytes > MAX_READ_BYTES) return undefined
    const stable = answerContentOf(pair.api, pair.stable.body)
    const candidate = answerContentOf(pair.api, pair.candidate.body)
    if (stable === undefined || candidate === undefined) return undefined
    return { pair, prompt: promptContentOf(pair.api, pair.requestBody), stable, candidate }
  }

  const compareNow = (pair: AnsweredPair, settled: (outcome: CompareOutcome) => void): void => {
    const read = readPair(pair)
    if (read === undefined) return settled('unreadable')
    const sides = compareSides(
      evaluators,
      read.prompt,
      { status: pair.stable.status, answer: read.stable },
      { status: pair.candidate.status, answer: read.candidate },
    )
    const at = world.now()
    record({ pairs: sides.map((compared) => evaluatorPair(read, compared, at)) }, () => {
      counts.comparedPairs += 1
      settled('compared')
    })
    if (read.prompt !== undefined) offerToJudge(read, read.prompt)
  }

  const offerToJudge = (read: ReadPair, prompt: PromptContent): void => {
    const { pair } = read
    const judge = judgeFor([pair.stable.target.model, pair.candidate.target.model])
    const stratum = `${pair.comparison}\n${pair.isControl}\n${pair.route}\n${pair.task}`
    if (judge === undefined) return
    // An audited request tells something only with a verdict on each of its pairs.
    const share = ({ pairShare }: JudgePolicy): number => (pair.audit === undefined ? pairShare : 1)
    if (!isJudged(pair.traceId, stratum, share, judge, 'pairs')) return
    const answered = (status: number): boolean => status >= 200 && status <= 299
    const sides = {
      stable: answered(pair.stable.status) ? read.stable : undefined,
      candidate: answered(pair.candidate.status) ? read.candidate : undefined,
    }
    const id = `${pair.comparison}/${pair.candidate.attemptId}`
    desk.take({
      matter: pair,
      judge,
      bytes: read.stable.text.length + read.candidate.text.length + pair.requestBody.length,
      hear: async (ask) => {
        const judged = await judgePair(
          judgeOfPolicy(judge.policy),
          { id, fenceKey, prompt, redact: redact() },
          sides,
          ask,
        )
        countJudged(judged.verdict.kind === 'failed' ? judged.verdict.why : undefined)
        record({ pairs: [judgePairRow(read, judge.policy, judged, world.now())] }, () => undefined)
      },
    })
  }

  const scoreNow = (live: LiveAnswer): void => {
    const bytes = live.requestBody.length + live.answer.body.length
    const answer = bytes > MAX_READ_BYTES ? undefined : answerContentOf(live.api, live.answer.body)
    if (answer === undefined) return
    const prompt = promptContentOf(live.api, live.requestBody)
    const { status } = live.answer
    const input = { status, answer, prompt, expected: undefined, other: undefined }
    const scores = evaluatorScores(evaluators, input, live, world.now())
    record({ scores }, () => void (counts.scoredAnswers += 1))
    const judge = judgeFor([live.answer.target.model])
    if (judge === undefined || prompt === undefined || status < 200 || status > 299) return
    const share = ({ liveShare }: JudgePolicy): number => Math.max(liveShare, live.leastShare)
    if (!isJudged(live.traceId, stratumOf(live), share, judge, 'judge')) return
    desk.take({
      matter: live,
      judge,
      bytes,
      hear: async (ask) => {
        const about = { id: live.traceId, fenceKey, prompt, redact: redact() }
        const judged = await judgeLive(judgeOfPolicy(judge.policy), about, answer, ask)
        countJudged(judged.failure)
        record({ scores: [judgeScore(live, judge.policy, judged, world.now())] }, () => undefined)
      },
    })
  }

  return {
    compare: (pair, settled) => {
      const bytes = pair.requestBody.length + pair.stable.body.length + pair.candidate.body.length
      if (!enqueue(() => compareNow(pair, settled), bytes)) settled('queue_full')
    },
    live: {
      wants: (traceId, route, task, leastShare) => {
        const policy = scoring()
        if (policy === undefined) return false
        // The judge's sample is a part of the evaluators': one draw says both.
        const share = Math.max(policy.liveShare, policy.judge?.liveShare ?? 0, leastShare)
        if (share <= 0) return false // of every request there is: a draw is a hash
        return sample.rules(`${route}\n${task}`, unitShare('judge', traceId), share, world.now())
      },
      offer: (live) => void enqueue(() => scoreNow(live), live.requestBody.length + live.answer.body.length),
    },
    isBehind: () => queue.size() > MUCH_QUEUED,
    addSpend: (spent) => desk.budget.add(spent, world.now()),
    counts: () => ({ ...counts, queued: queue.size(), judgeFailures: { ...judgeFailures }, desk: desk.counts() }),
    idle: async () => {
      if (next !== undefined) await new Promise<void>((resolve) => onIdle.push(resolve))
      await desk.idle()
    },
    close: async () => {
      isClosed = true
      // What has been handed over is compared; who was to be judged next, is not.
      while (queue.size() > 0) turn()
      desk.clear()
      const patience = new AbortController()
      await Promise.race([
        desk.idle(),
        sleep(CLOSE_WAIT_MS, undefined, { signal: patience.signal }).catch(() => undefined),
      ])
      patience.abort()
    },
  }
}

function stratumOf({ route, task }: { readonly route: string; readonly task: string }): string {
  return `${route}\n${task}`
}
