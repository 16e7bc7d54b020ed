import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { asRecord, parseJson } from '../dialects/json-value.ts'
import type { AuditAnswer } from '../domain/audit.ts'

/** What a run has asked so far, beside its file of questions, so that one that ends early can be gone on from. */
export type AuditProgress = {
  /** Answers of a run over the very same questions that ended before all was asked; else none. */
  readonly read: () => readonly AuditAnswer[]
  readonly keep: (answer: AuditAnswer) => void
  /** The next run asks everything: the answers of one that is over say nothing about today. */
  readonly forget: () => void
}

/** `<file>.progress.ndjson`, an answer a line; `questionSet` names the questions as they are now. */
export function auditProgress(file: string, questionSet: string): AuditProgress {
  const path = `${file}.progress.ndjson`
  return {
    read: () =>
      existsSync(path)
        ? readFileSync(path, 'utf8')
            .split('\n')
            .flatMap((line) => answerOf(line, questionSet))
        : [],
    keep: (answer) => {
      const line = JSON.stringify({ questionSet, ...answer, picoUsd: String(answer.picoUsd) })
      appendFileSync(path, `${line}\n`, { mode: 0o600 })
    },
    forget: () => rmSync(path, { force: true }),
  }
}

/** Of a line: an answer, or nothing where it is torn or of other questions. */
function answerOf(line: string, questionSet: string): readonly AuditAnswer[] {
  const row = asRecord(parseJson(line))
  if (row === undefined || row['questionSet'] !== questionSet) return []
  const { kind, path, question, task, value, traceId, picoUsd, answeredAt, failure, model } = row
  if (kind !== 'route' && kind !== 'target') return []
  if (typeof path !== 'string' || typeof question !== 'string' || typeof task !== 'string') return []
  return [
    {
      kind,
      path,
      question,
      task,
      answeredAt: typeof answeredAt === 'number' ? answeredAt : 0,
      traceId: typeof traceId === 'string' ? traceId : undefined,
      value: typeof value === 'number' ? value : undefined,
      failure: typeof failure === 'string' ? failure : '',
      model: typeof model === 'string' ? model : '',
      picoUsd: typeof picoUsd === 'string' && /^\d+$/.test(picoUsd) ? BigInt(picoUsd) : undefined,
    },
  ]
}
