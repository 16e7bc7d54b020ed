import { costOf, type Rates } from '../../domain/cost.ts'
import type { PicoUsd } from '../../domain/units.ts'
import { NOTHING_USED, type Usage } from '../../domain/usage.ts'
import type { JudgeModel } from './judge-model.ts'
import type { JudgeRequest } from './judge-request.ts'

/** What one call to a judge may use at most, for reserving a budget before it is sent. */
export type JudgeProjection = {
  readonly usage: Usage
  /** Undefined without a price: a call that cannot be priced cannot be reserved. */
  readonly picoUsd: PicoUsd | undefined
}

/**
 * Bytes of UTF-8 per token at the least, over languages, code and hexadecimal: English prose has four and more, CJK three
 * bytes per character and seldom more than one token each, random digits close to two.
 */
const BYTES_PER_TOKEN = 2
/** What chat templates and tool definitions add. */
const TEMPLATE_TOKENS = 64

/** An upper bound of one call: every two bytes of the body a token, all of the output used. */
export function projectedCall(judge: JudgeModel, { body }: JudgeRequest, rates: Rates): JudgeProjection {
  const bytes = Buffer.byteLength(JSON.stringify(body))
  const usage: Usage = {
    ...NOTHING_USED,
    uncachedInputTokens: Math.ceil(bytes / BYTES_PER_TOKEN) + TEMPLATE_TOKENS,
    textOutputTokens: judge.maxOutputTokens,
  }
  return { usage, picoUsd: costOf(usage, rates) }
}

/**
 * What `calls` are expected to cost at these means, of which `repairShare` are asked twice: for saying in advance what
 * a sample will cost, not for reserving. Undefined without a price.
 */
export function expectedCost(
  mean: { readonly inputTokens: number; readonly outputTokens: number },
  calls: number,
  repairShare: number,
  rates: Rates,
): PicoUsd | undefined {
  const asked = calls * (1 + repairShare)
  return costOf(
    {
      ...NOTHING_USED,
      uncachedInputTokens: Math.round(mean.inputTokens * asked),
      textOutputTokens: Math.round(mean.outputTokens * asked),
    },
    rates,
  )
}
