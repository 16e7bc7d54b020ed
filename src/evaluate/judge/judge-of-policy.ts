import type { JudgePolicy } from '../../domain/scoring-policy.ts'
import type { JudgeModel } from './judge-model.ts'

/** The judge that a policy names. */
export function judgeOfPolicy({ api, model, maxOutputTokens, isStructured, parameters }: JudgePolicy): JudgeModel {
  return { api, model, maxOutputTokens, isStructured, parameters }
}
