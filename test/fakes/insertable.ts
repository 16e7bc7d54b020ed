import { namedRows } from '../../src/store/named-rows.ts'

/** What the writer would send for `lines`, which are rows with these columns. */
export function insertable(columns: readonly string[], lines: readonly string[]): Buffer {
  return Buffer.from(namedRows(columns) + lines.map((line) => `${line}\n`).join(''))
}
