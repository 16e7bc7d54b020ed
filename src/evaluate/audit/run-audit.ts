import type { AuditAnswer, AuditEnding } from '../../domain/audit.ts'
import type { PicoUsd } from '../../domain/units.ts'
import type { GoldenQuestion } from '../golden.ts'
import type { AskPath } from './ask-path.ts'
import type { AuditPath } from './audit-paths.ts'

export type AuditRunOptions = {
  readonly paths: readonly AuditPath[]
  readonly questions: readonly GoldenQuestion[]
  /** Answers that the run has already. */
  readonly done: readonly AuditAnswer[]
  readonly budget: PicoUsd
  readonly maxConcurrent: number
  readonly ask: AskPath
  /** Told of every answer as it comes. */
  readonly keep: (answer: AuditAnswer) => void
  readonly signal: AbortSignal
}

/**
 * Asks what has not been asked yet, every question down every path, within the budget: with as many calls under way as
 * could still be paid if each cost as much as the dearest so far. What has no price counts as free. Answers that `done`
 * holds cost what they cost. Resolves to `stopped` when `signal` aborts; what was not kept by then is not asked.
 */
export async function runAudit(options: AuditRunOptions): Promise<AuditEnding | 'stopped'> {
  const { paths, questions, budget, maxConcurrent, ask, keep, signal } = options
  const isDone = new Set(options.done.map((answer) => nameOf(answer.kind, answer.path, answer.question)))
  const waiting = paths.flatMap((path) =>
    questions.flatMap((question) =>
      isDone.has(nameOf(path.kind, path.path, question.id)) ? [] : [{ path, question }],
    ),
  )
  let spent = options.done.reduce((sum, { picoUsd }) => sum + (picoUsd ?? 0n), 0n)
  let dearest: PicoUsd | undefined = options.done.length === 0 ? undefined : dearestOf(options.done)
  const underWay = new Set<Promise<void>>()
  /** Until the first answer nobody knows what one costs, so the first goes alone. */
  const mayAsk = (): boolean =>
    dearest === undefined ? underWay.size === 0 : spent + BigInt(underWay.size) * dearest < budget
  const begin = (path: AuditPath, question: GoldenQuestion): void => {
    const call = ask(path, question, signal).then((answer) => {
      if (answer === undefined) return
      const cost = answer.picoUsd ?? 0n
      spent += cost
      if (dearest === undefined || cost > dearest) dearest = cost
      keep(answer)
    })
    const ended = call.finally(() => underWay.delete(ended))
    underWay.add(ended)
  }
  for (;;) {
    const isFree = !signal.aborted && underWay.size < maxConcurrent
    const next = isFree && spent < budget && mayAsk() ? waiting.shift() : undefined
    if (next !== undefined) begin(next.path, next.question)
    else if (underWay.size > 0) await Promise.race(underWay)
    else if (signal.aborted) return 'stopped'
    else return waiting.length === 0 ? 'complete' : 'budget'
  }
}

function nameOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}

function dearestOf(answers: readonly AuditAnswer[]): PicoUsd {
  return answers.reduce((most, { picoUsd = 0n }) => (picoUsd > most ? picoUsd : most), 0n)
}
