import type { PicoUsd } from '../../domain/units.ts'
import type { Heard, Hearing } from './hearing.ts'
import type { JudgeRequest } from './judge-request.ts'

/** What one call to a judge brought: status 0 where no answer came. */
export type JudgeReply = { readonly status: number; readonly body: Buffer; readonly picoUsd: PicoUsd | undefined }

/** Why a judge is not asked: the budget has no room for it, or its model has no price to set aside. */
export type NotAsked = 'budget' | 'unpriced'

/** Sends one request to the judge, or says why nothing was sent. Never rejects. */
export type AskJudge = (request: JudgeRequest) => Promise<JudgeReply | NotAsked>

/** What came of a hearing. `picoUsd`: of all its calls; undefined where one of them has no price. */
export type HeardOut<T> = {
  readonly heard: Exclude<Heard<T>, { kind: 'repair' }> | { readonly kind: 'failed'; readonly why: NotAsked }
  readonly picoUsd: PicoUsd | undefined
}

/** Asks, and once more where the first reply was no verdict. */
export async function hearOut<T>(hearing: Hearing<T>, ask: AskJudge): Promise<HeardOut<T>> {
  const reply = await ask(hearing.request)
  if (typeof reply === 'string') return { heard: { kind: 'failed', why: reply }, picoUsd: 0n }
  const heard = hearing.hear(reply.status, reply.body)
  if (heard.kind !== 'repair') return { heard, picoUsd: reply.picoUsd }
  const repaired = await hearOut(heard.hearing, ask)
  return { heard: repaired.heard, picoUsd: addCosts(reply.picoUsd, repaired.picoUsd) }
}

/** Undefined where either is not known. */
export function addCosts(one: PicoUsd | undefined, other: PicoUsd | undefined): PicoUsd | undefined {
  return one === undefined || other === undefined ? undefined : one + other
}
