import type { PicoUsd } from '../../domain/units.ts'
import type { Heard, Hearing } from './hearing.ts'
import type { JudgeRequest } from './judge-request.ts'

/** What one call to a judge brought: status 0 where no answer came. */
export type JudgeReply = { readonly status: number; readonly body: Buffer; readonly picoUsd: PicoUsd | undefined }

/** Sends one request to the judge. Undefined: the budget has no room for it, and nothing was sent. Never rejects. */
export type AskJudge = (request: JudgeRequest) => Promise<JudgeReply | undefined>

/** What came of a hearing. `picoUsd`: of all its calls; undefined where one of them has no price. */
export type HeardOut<T> = {
  readonly heard: Exclude<Heard<T>, { kind: 'repair' }> | { readonly kind: 'failed'; readonly why: 'budget' }
  readonly picoUsd: PicoUsd | undefined
}

/** Asks, and once more where the first reply was no verdict. */
export async function hearOut<T>(hearing: Hearing<T>, ask: AskJudge): Promise<HeardOut<T>> {
  const reply = await ask(hearing.request)
  if (reply === undefined) return { heard: { kind: 'failed', why: 'budget' }, picoUsd: 0n }
  const heard = hearing.hear(reply.status, reply.body)
  if (heard.kind !== 'repair') return { heard, picoUsd: reply.picoUsd }
  const repaired = await hearOut(heard.hearing, ask)
  return { heard: repaired.heard, picoUsd: addCosts(reply.picoUsd, repaired.picoUsd) }
}

/** Undefined where either is not known. */
export function addCosts(one: PicoUsd | undefined, other: PicoUsd | undefined): PicoUsd | undefined {
  return one === undefined || other === undefined ? undefined : one + other
}
