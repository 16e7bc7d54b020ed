import type { Path } from './fault.ts'

/** A file's values, right or wrong: these checks run even where single values are faulty. */
export type Loose = {
  readonly at: (path: Path) => unknown
  /** The keys of the mapping, or the indexes of the list, at `path`. */
  readonly stepsAt: (path: Path) => readonly (string | number)[]
  /** Whether the file gives a value there that is not empty, readable or not. */
  readonly isSet: (path: Path) => boolean
  /** What a fault may show of the value there. */
  readonly found: (path: Path) => string
}

/** A fault of values that are right on their own; placed at the key, or at the value. */
export type Finding = { readonly path: Path; readonly at: 'key' | 'value'; readonly text: string }
