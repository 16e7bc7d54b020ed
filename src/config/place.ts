import type { Path } from './fault.ts'

/** Where a value stands, and what a fault may say about it. */
export type Place = {
  /** As the operator would name it. */
  readonly path: Path
  readonly keyOffset: number
  readonly offset: number
  readonly end: number
  /** The second half of `found …`: the value itself only where it can hold no secret. */
  readonly found: string
}
