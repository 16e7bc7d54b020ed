import type { Policy } from '../domain/policy.ts'
import type { Log } from '../domain/ports.ts'
import type { EpochMs } from '../domain/units.ts'
import { loggableFields } from './loggable-fields.ts'

export type LogLevel = Policy['log']['level']

export type LoggerOptions = {
  /** Asked for every line, so that a changed level holds from the next line on. */
  readonly level: () => LogLevel
  /** Takes one line that ends with a newline. */
  readonly write: (line: string) => void
  readonly now: () => EpochMs
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Whether a line of level `line` goes out when the log is set to `level`. */
export function isLogged(line: LogLevel, level: LogLevel): boolean {
  return SEVERITY[line] >= SEVERITY[level]
}

/**
 * The proxy's own log: one JSON object per line, `{"ts": ISO 8601 in UTC, "level", "event", …fields}`. A field
 * cannot replace these three. Never throws: a field that cannot be written costs the field, not the request.
 */
export function createLogger({ level, write, now }: LoggerOptions): Log {
  const at =
    (line: LogLevel) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (!isLogged(line, level())) return
      const head = { ts: new Date(now()).toISOString(), level: line, event }
      write(`${JSON.stringify({ ...head, ...loggableFields(fields), ...head })}\n`)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
