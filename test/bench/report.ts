/** What a run of the bench has to say. */
export type Outcome = {
  /** For people. */
  readonly text: string
  /** Whoever answered wrongly: then the figures are worth nothing. */
  readonly faults: readonly {
    readonly name: string
    readonly faults: number
    readonly firstFault: string | undefined
  }[]
  /** Why the run has failed for another reason; undefined when it has not. */
  readonly failure?: string | undefined
  readonly json: Readonly<Record<string, unknown>>
}
