import type { JournalEntry } from '../domain/changes/journal-entry.ts'
import { type Row, rowReader } from './row-reader.ts'

/** The columns of a journal as `journalEntry` reads them, for SQL over one of its tables. */
export const ENTRY_FIELDS = `name, toString(revision) AS revision, toString(event_id) AS id,
  toString(toUnixTimestamp64Milli(at)) AS at, instance, actor, reason, policy_version, kind, subject, before, after, details`

export function journalEntry(row: Row): JournalEntry {
  const { text } = rowReader(row)
  return {
    name: text('name'),
    revision: Number(text('revision')),
    id: text('id'),
    at: Number(text('at')),
    instance: text('instance'),
    actor: text('actor'),
    reason: text('reason'),
    policyVersion: text('policy_version'),
    kind: text('kind'),
    subject: text('subject'),
    before: text('before'),
    after: text('after'),
    details: text('details'),
  }
}
