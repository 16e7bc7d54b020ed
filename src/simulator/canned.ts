/** Texts prepared once a second (answers state the second they were made) and given out with a fresh id each time. */
export type Canned = {
  /** The text that `build` makes, with `id` wherever it has `CANNED_ID`. */
  readonly text: (key: string, second: number, id: string, build: () => string) => string
  readonly clear: () => void
}

/** Stands for the id while a text is prepared. */
export const CANNED_ID = '\u0001id\u0001'

/** As `JSON.stringify` writes it. */
const WRITTEN = JSON.stringify(CANNED_ID).slice(1, -1)

export function createCanned(): Canned {
  const prepared = new Map<string, { readonly second: number; readonly parts: readonly string[] }>()
  return {
    text(key, second, id, build) {
      let entry = prepared.get(key)
      if (entry === undefined || entry.second !== second) {
        entry = { second, parts: build().split(WRITTEN) }
        prepared.set(key, entry)
      }
      return entry.parts.join(id)
    },
    clear: () => prepared.clear(),
  }
}
