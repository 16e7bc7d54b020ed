import type { Columns, RowOf } from './columns.ts'

/** A row of table `contents`. */
export const STORED_CONTENT = {
  mode: 'text',
  request: 'text',
  request_kept: 'text',
  request_hash: 'text',
  answer: 'text',
  answer_kept: 'text',
  answer_hash: 'text',
  redactions: 'map',
} as const satisfies Columns

export type StoredContent = RowOf<typeof STORED_CONTENT>
