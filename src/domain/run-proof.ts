import { createHmac } from 'node:crypto'

/** What a challenge must look like: hexadecimal, and neither guessable nor without end. */
const CHALLENGE = /^[\da-f]{32,128}$/

/**
 * The word by which a running proxy shows that it left the key beside its address: 64 hex digits; undefined for what
 * is no challenge. An address may outlive its process and be somebody else's by now, who must not get the admin token.
 */
export function runProof(key: string, challenge: string | null): string | undefined {
  if (challenge === null || !CHALLENGE.test(challenge)) return undefined
  return createHmac('sha256', key).update(challenge).digest('hex')
}
