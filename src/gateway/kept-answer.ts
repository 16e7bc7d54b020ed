import { type CapturedContent, contentModeOf } from '../domain/content.ts'
import type { AttemptOutcome } from '../domain/exchange.ts'
import type { Policy } from '../domain/policy.ts'

/** The answer of one call, kept while it goes by: for its row of content, or because a shadow compares it. */
export type KeptAnswer = {
  /** Takes the decoded bytes as they come, by reference. */
  readonly feed: (chunk: Buffer) => void
  /** All that was said, once the call has ended; undefined where the policy keeps nothing of it. */
  readonly content: (outcome: AttemptOutcome['kind']) => CapturedContent | undefined
  /** The answer, decoded; undefined where nobody compares it, or it is too large for that. */
  readonly answer: () => Buffer | undefined
}

/** Answers up to this size are compared: it is the text of a book. */
const MOST_COMPARED_BYTES = 4 * 1024 * 1024

/**
 * Keeps what is said in one call of `route` to `provider`, where the policy asks for it or it `isCompared`; undefined
 * where neither is so, which costs two comparisons. `request`: the client's body, decoded.
 */
export function keepAnswer(
  { content: policy }: Policy,
  route: string,
  provider: string,
  request: Buffer | undefined,
  isCompared: boolean,
): KeptAnswer | undefined {
  const mode = contentModeOf(policy, route, provider)
  if (mode === 'off' && !isCompared) return undefined
  const mostStoredBytes = mode === 'off' ? 0 : policy.maxBytes
  const mostBytes = Math.max(mostStoredBytes, isCompared ? MOST_COMPARED_BYTES : 0)
  let chunks: Buffer[] = []
  let total = 0
  return {
    feed: (chunk) => {
      total += chunk.length
      if (total <= mostBytes) chunks.push(chunk)
      else chunks = []
    },
    content: (outcome) => {
      if (mode === 'off') return undefined
      const bytes = total <= mostStoredBytes ? Buffer.concat(chunks) : undefined
      const isCut = outcome === 'interrupted' || outcome === 'cancelled'
      return { mode, policy, request, answer: total === 0 ? undefined : { bytes, isCut } }
    },
    answer: () => (isCompared && total <= mostBytes ? Buffer.concat(chunks) : undefined),
  }
}
