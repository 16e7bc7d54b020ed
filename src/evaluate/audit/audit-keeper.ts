import { createHash } from 'node:crypto'
import type { AuditAnswer, AuditPolicy, AuditRun, AuditRunKey, AuditStatus } from '../../domain/audit.ts'
import type { Policy } from '../../domain/policy.ts'
import type { Closable, Log, PriceCall, World } from '../../domain/ports.ts'
import type { PicoUsd } from '../../domain/units.ts'
import { readGolden } from '../golden.ts'
import { createAskPath } from './ask-path.ts'
import { auditCells } from './audit-cells.ts'
import { auditPaths, type AuditPaths } from './audit-paths.ts'
import { runAudit } from './run-audit.ts'

/** Where audits are kept, and whose turn it is. Nothing here rejects: an outage is an answer. */
export type AuditRecords = {
  readonly isReady: () => boolean
  /** The run of this audit that ended last. */
  readonly lastRun: (audit: string) => Promise<Asked<AuditRun | undefined>>
  readonly answersOf: (run: AuditRunKey) => Promise<Asked<readonly AuditAnswer[]>>
  readonly keepAnswers: (run: AuditRunKey, answers: readonly AuditAnswer[]) => Promise<Asked<undefined>>
  readonly keepRun: (run: AuditRun) => Promise<Asked<undefined>>
  /**
   * Runs `work` alone among all proxies of the database; its signal aborts when that no longer holds. `busy`: another one
   * does.
   */
  readonly alone: (audit: string, work: (signal: AbortSignal) => Promise<void>) => Promise<Asked<'done' | 'busy'>>
}

export type Asked<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'unavailable'; readonly detail: string }

export type AuditKeeperOptions = {
  readonly policy: () => Policy
  readonly policyVersion: () => string
  /** Of the data port; undefined while it is not open. */
  readonly url: () => string | undefined
  readonly records: AuditRecords
  readonly price: PriceCall
  readonly readFile: (path: string) => Promise<string>
  readonly world: World
  readonly log: Log
}

export type AuditKeeper = Closable & {
  /** Of every audit of the policy, in its order. */
  readonly status: () => readonly AuditStatus[]
}

/** Between two looks at the clock, and after trouble or while another proxy asks. */
const LOOK_EVERY_MS = 1_000
const WAIT_MS = 15_000

type Known = {
  state: AuditStatus['state']
  detail: string
  asked: number
  questions: number
  leftOut: AuditStatus['leftOut']
  last: AuditRun | undefined
  totals: { answered: number; failed: number; picoUsd: PicoUsd }
  /** Not looked at again before. */
  notBefore: number
  isBusy: boolean
  /** Answers that no store has taken yet, of the run that they are of. */
  unkept: { run: string; answers: AuditAnswer[] }
}

/** Runs the audits of the policy when they are due, one at a time each, and goes on with what was begun. */
export function createAuditKeeper(options: AuditKeeperOptions): AuditKeeper {
  const { policy, records, world, log } = options
  const known = new Map<string, Known>()
  const closing = new AbortController()
  const underWay = new Set<Promise<void>>()

  const look = (): void => {
    const { audits } = policy()
    if (audits.length === 0 || !records.isReady()) return
    for (const audit of audits) {
      const state = knownOf(audit.name)
      const now = world.now()
      if (state.isBusy || now < state.notBefore || closing.signal.aborted) continue
      if (state.last?.run === runName(audit, now)) continue
      state.isBusy = true
      const looked = lookAt(audit, state)
        .catch((bug: unknown) => {
          log.error('audit_failed', { audit: audit.name, bug })
          Object.assign(state, { state: 'stuck', detail: 'A bug; see the log.' })
        })
        .finally(() => {
          state.isBusy = false
          underWay.delete(looked)
        })
      underWay.add(looked)
    }
  }
  const knownOf = (audit: string): Known => {
    const found = known.get(audit) ?? unknownYet()
    known.set(audit, found)
    return found
  }

  /** One look at an audit that may be due. */
  async function lookAt(audit: AuditPolicy, state: Known): Promise<void> {
    state.notBefore = world.now() + WAIT_MS
    const last = await records.lastRun(audit.name)
    if (last.kind === 'unavailable') return stuck(state, last.detail)
    state.last = last.value
    const run = runName(audit, world.now())
    if (last.value?.run === run) return waiting(state)
    const held = await records.alone(audit.name, async (signal) => {
      // Read again: whoever asked before may have done it all.
      const again = await records.lastRun(audit.name)
      if (again.kind === 'ok' && again.value?.run === run) state.last = again.value
      else await runOne(audit, state, run, AbortSignal.any([signal, closing.signal]))
    })
    if (held.kind === 'unavailable') return stuck(state, held.detail)
    if (held.value === 'busy') Object.assign(state, { state: 'elsewhere', detail: 'Another proxy asks just now.' })
    if (state.last?.run === run) waiting(state)
  }

  async function runOne(audit: AuditPolicy, state: Known, run: string, signal: AbortSignal): Promise<void> {
    const url = options.url()
    if (url === undefined) return stuck(state, 'The data port is not open.')
    const text = await options.readFile(audit.questionsFile).catch(() => undefined)
    if (text === undefined) return stuck(state, `${audit.questionsFile} cannot be read.`)
    const { questions, faults } = readGolden(text)
    if (faults.length > 0) return stuck(state, `${audit.questionsFile}: ${faults.slice(0, 3).join('; ')}`)
    const { paths, leftOut } = pathsOf(audit, policy())
    if (paths.length === 0 || questions.length === 0) {
      state.leftOut = leftOut
      return stuck(state, paths.length === 0 ? 'No path can be asked; see left_out.' : 'There are no questions.')
    }
    const key: AuditRunKey = { audit: audit.name, run, questionSet: questionSet(text) }
    const stored = await records.answersOf(key)
    if (stored.kind === 'unavailable') return stuck(state, stored.detail)
    if (state.unkept.run !== run) state.unkept = { run, answers: [] }
    const answers = [...stored.value, ...state.unkept.answers]
    const total = paths.length * questions.length
    Object.assign(state, { state: 'running', detail: '', asked: answers.length, questions: total, leftOut })
    log.info('audit_began', { ...key, asked: answers.length, questions: total })
    let keeping: Promise<void> = Promise.resolve()
    const ending = await runAudit({
      paths,
      questions,
      done: answers,
      budget: audit.budget,
      maxConcurrent: audit.maxConcurrent,
      ask: createAskPath({ url, key: audit.key, price: options.price, world }),
      keep: (answer) => {
        answers.push(answer)
        state.unkept.answers.push(answer)
        state.asked = answers.length
        state.totals.answered += answer.value === undefined ? 0 : 1
        state.totals.failed += answer.value === undefined ? 1 : 0
        state.totals.picoUsd += answer.picoUsd ?? 0n
        keeping = keeping.then(() => keepAnswers(key, state))
      },
      signal,
    })
    await keeping
    await keepAnswers(key, state)
    if (ending === 'stopped') return stuck(state, 'It was interrupted; what was answered is kept.')
    const { scoring } = policy()
    const ended: AuditRun = {
      ...key,
      endedAt: world.now(),
      ending,
      cells: auditCells(answers, (task) => scoring?.minimum.get(task) ?? audit.minimum),
      policyVersion: options.policyVersion(),
    }
    const kept = await records.keepRun(ended)
    if (kept.kind === 'unavailable') return stuck(state, kept.detail)
    state.last = ended
    for (const { path, task, mean, minimum } of ended.cells.filter(({ isPassed }) => isPassed === false)) {
      log.warn('audit_below_minimum', { audit: audit.name, path, task, mean, minimum })
    }
    log.info('audit_ended', { ...key, ending, answers: answers.length })
  }

  async function keepAnswers(key: AuditRunKey, state: Known): Promise<void> {
    const { answers } = state.unkept
    if (answers.length === 0) return
    const batch = [...answers]
    const kept = await records.keepAnswers(key, batch)
    if (kept.kind === 'ok') state.unkept.answers = answers.filter((answer) => !batch.includes(answer))
  }

  const stuck = (state: Known, detail: string): void => void Object.assign(state, { state: 'stuck', detail })
  const waiting = (state: Known): void => void Object.assign(state, { state: 'waiting', detail: '', notBefore: 0 })

  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return {
    status: () =>
      policy().audits.map((audit): AuditStatus => {
        const { state, detail, asked, questions, leftOut, last, totals } = knownOf(audit.name)
        return {
          audit: audit.name,
          state,
          detail,
          asked,
          questions,
          nextAt: slotOf(audit, world.now()) + (last?.run === runName(audit, world.now()) ? audit.everyMs : 0),
          leftOut,
          last,
          totals: { ...totals },
        }
      }),
    close: async () => {
      clearInterval(timer)
      closing.abort()
      await Promise.all(underWay)
    },
  }
}

function unknownYet(): Known {
  return {
    state: 'waiting',
    detail: '',
    asked: 0,
    questions: 0,
    leftOut: [],
    last: undefined,
    totals: { answered: 0, failed: 0, picoUsd: 0n },
    notBefore: 0,
    isBusy: false,
    unkept: { run: '', answers: [] },
  }
}

/** When the run that should be there at `now` was due. */
function slotOf({ everyMs }: AuditPolicy, now: number): number {
  return Math.floor(now / everyMs) * everyMs
}

function runName(audit: AuditPolicy, now: number): string {
  return new Date(slotOf(audit, now)).toISOString()
}

function pathsOf({ routes, key }: AuditPolicy, policy: Policy): AuditPaths {
  return auditPaths(policy, { routes, hasKey: key !== undefined })
}

/** Version of a file of questions. */
export function questionSet(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
