import type { Exchange } from '../domain/exchange.ts'
import type { KeptAnswer } from './kept-answer.ts'
import type { Stages } from './stages.ts'
import type { WebTurn } from './turn.ts'

/**
 * Releases the answer's last bytes, and only then offers the finished exchange to the shadows and to those who score; `release`
 * itself where the policy has neither.
 */
export function thenMirrored(
  release: () => void,
  exchange: Exchange,
  body: Buffer | undefined,
  kept: KeptAnswer | undefined,
  { state, inbound }: WebTurn,
  { mirror }: Stages,
): () => void {
  if (state.policy.shadows.length === 0 && state.policy.scoring === undefined) return release
  return () => {
    release()
    mirror.offer({ exchange, body, answer: kept?.answer(), headers: inbound.rawHeaders })
  }
}
