/** A row of the admin API's JSON. */
export type JsonRow = Readonly<Record<string, unknown>>

/** The list of objects under `key`; empty for anything else. */
export function rowsIn(answer: unknown, key: string): readonly JsonRow[] {
  const list = isRecord(answer) ? answer[key] : undefined
  return Array.isArray(list) ? list.filter(isRecord) : []
}

/** The object under `key`; undefined for anything else. */
export function recordIn(answer: unknown, key: string): JsonRow | undefined {
  const value = isRecord(answer) ? answer[key] : undefined
  return isRecord(value) ? value : undefined
}

/** A cell as text; '' where the value is unknown. */
export function textIn(row: JsonRow | undefined, column: string): string {
  const value = row?.[column]
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
}

function isRecord(value: unknown): value is JsonRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
