import { resolve } from 'node:path'
import type { AuditPolicy } from '../domain/audit.ts'
import type { ConfigFile } from './schema.ts'

/** The golden audits that a checked file means, in its order; their files start from `baseDir`. */
export function resolveAudits({ audits }: Pick<ConfigFile, 'audits'>, baseDir: string): readonly AuditPolicy[] {
  return Object.entries(audits).flatMap(([name, entry]) =>
    entry.questions === undefined
      ? []
      : [
          {
            name,
            questionsFile: resolve(baseDir, entry.questions),
            everyMs: entry.every,
            budget: entry.budget,
            minimum: entry.minimum,
            routes: entry.routes === undefined ? undefined : new Set(entry.routes),
            key: entry.api_key,
            maxConcurrent: entry.max_concurrent,
          },
        ],
  )
}
