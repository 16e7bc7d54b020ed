import type { JudgeModel } from '../../src/evaluate/judge/judge-model.ts'
import type { Heard, Hearing } from '../../src/evaluate/judge/hearing.ts'
import { post } from './a-simulator.ts'

/** A judge of the simulator, changed to taste. */
export function aJudge(changes: Partial<JudgeModel> = {}): JudgeModel {
  return {
    api: 'chat_completions',
    model: 'judge-fair',
    maxOutputTokens: 300,
    isStructured: true,
    parameters: {},
    ...changes,
  }
}

/** Sends a hearing, and its repair where it asks for one; counts what was sent. */
export async function heard<T>(url: string, hearing: Hearing<T>, sent = { requests: 0 }): Promise<Heard<T>> {
  sent.requests += 1
  const answer = await post(url + hearing.request.path, hearing.request.body)
  const step = hearing.hear(answer.status, Buffer.from(await answer.arrayBuffer()))
  return step.kind === 'repair' ? heard(url, step.hearing, sent) : step
}
