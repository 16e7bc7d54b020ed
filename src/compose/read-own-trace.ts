import type { ReadOwnTrace } from '../domain/ports.ts'
import type { Reads } from '../store/read.ts'

const PATIENCE_MS = 5_000

/** Reads traces for those who made them. */
export function readOwnTrace(reads: Pick<Reads, 'trace'>): ReadOwnTrace {
  return async (id) => {
    const read = await reads.trace(id, AbortSignal.timeout(PATIENCE_MS))
    if (read.kind === 'unavailable') return { kind: 'unavailable' }
    if (read.value === undefined) return { kind: 'ok', trace: undefined, json: undefined }
    const { trace, attempts } = read.value
    return { kind: 'ok', trace, json: { trace, attempts: attempts.filter(({ role }) => ROLES.has(String(role))) } }
  }
}

/** What was called for the client; what shadows and judges were asked is none of its business. */
const ROLES: ReadonlySet<string> = new Set(['primary', 'fallback', 'cascade'])
