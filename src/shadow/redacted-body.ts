import { parseJson } from '../dialects/json-value.ts'
import { createRedactor, type RedactionRules } from '../domain/redaction/redactor.ts'

/** Redacting is work on the event loop, a few milliseconds for so much; larger requests are not mirrored redacted. */
const MOST_REDACTED_BYTES = 256 * 1024
/** What would be another request without it: pictures, sounds, what nests too deep. */
const NEEDED: readonly string[] = ['media', 'too_deep']

/**
 * A request's body with all that `rules` name taken out; the very same bytes where they find nothing. Undefined where it
 * is too large, no JSON, or would lose a picture, a sound or a file.
 */
export function redactedBody(body: Buffer, rules: RedactionRules): Buffer | undefined {
  if (body.length > MOST_REDACTED_BYTES) return undefined
  const parsed = parseJson(body.toString('utf8'))
  if (parsed === undefined) return undefined
  const counts = new Map<string, number>()
  const redacted = createRedactor(rules).json(parsed, counts)
  if (NEEDED.some((kind) => counts.has(kind))) return undefined
  return counts.size === 0 ? body : Buffer.from(JSON.stringify(redacted))
}
