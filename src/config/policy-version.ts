import { createHash } from 'node:crypto'

/** First 16 hex digits of the SHA-256 over a config file's bytes: on every trace, so that months later it is known
 * which policy decided. */
export function policyVersion(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
