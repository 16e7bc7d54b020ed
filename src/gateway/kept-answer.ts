import { type CapturedContent, contentModeOf } from '../domain/content.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Policy } from '../domain/policy.ts'

/** The answer of one call, kept for its row of content while it goes by. */
export type KeptAnswer = {
  /** Takes the decoded bytes as they come, by reference. */
  readonly feed: (chunk: Buffer) => void
  /** All that was said, once the call has ended. */
  readonly content: (outcome: AttemptOutcome['kind']) => CapturedContent
}

/**
 * Keeps what is said in one call of `route` to `provider`, where the policy asks for it; undefined where it does not,
 * which costs two comparisons. `request`: the client's body, decoded.
 */
export function keepAnswer(
  { content: policy }: Policy,
  route: string,
  provider: string,
  request: Buffer | undefined,
): KeptAnswer | undefined {
  const mode = contentModeOf(policy, route, provider)
  if (mode === 'off') return undefined
  let chunks: Buffer[] = []
  let total = 0
  return {
    feed: (chunk) => {
      total += chunk.length
      if (total <= policy.maxBytes) chunks.push(chunk)
      else chunks = []
    },
    content: (outcome) => {
      const bytes = total <= policy.maxBytes ? Buffer.concat(chunks) : undefined
      const isCut = outcome === 'interrupted' || outcome === 'cancelled'
      return { mode, policy, request, answer: total === 0 ? undefined : { bytes, isCut } }
    },
  }
}
