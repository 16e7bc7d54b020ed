import { hash } from 'node:crypto'
import type { LlmRequest } from '../request.ts'
import type { PromptFacts, StickyUnit } from './facts.ts'
import type { Pin } from './pins.ts'

/**
 * Who stays on the same model: the session that the client names, else whoever got the answer that it goes on from, else
 * the dialect's own conversation, else key, system prompt and first user turn, else the user. A request that tells none of them stands alone, and its id is the unit.
 * Values are 16 hex digits of a SHA-256, because sessions and users may be names of people.
 */
export function stickyUnit(
  { id, controls, client, shape }: Pick<LlmRequest, 'id' | 'controls' | 'client' | 'shape'>,
  prompt: PromptFacts | undefined,
  pin?: Pin,
): StickyUnit {
  if (controls.session !== undefined) return unitOf('session', controls.session)
  if (pin !== undefined) return pin.unit
  if (shape.conversation !== undefined) return unitOf('conversation', shape.conversation)
  const conversation = prompt?.conversationHash
  if (conversation !== undefined) return unitOf('first_turn', `${client.keySubject}:${conversation}`)
  const user = controls.user ?? shape.endUser
  return user === undefined ? { value: id, source: 'none' } : unitOf('user', user)
}

function unitOf(source: Exclude<StickyUnit['source'], 'none'>, text: string): StickyUnit {
  return { value: hash('sha256', `understudy:${source}:${text}`, 'hex').slice(0, 16), source }
}
