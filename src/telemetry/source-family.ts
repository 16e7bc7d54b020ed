/** One series: the values of the family's labels, in order, and the value. */
export type Reading = readonly [labelValues: readonly string[], value: number]

/** A metric that is read when it is asked for. */
export type SourceFamily = {
  readonly type: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  /** Also written to table `proxy_readings`, over time; such a family has two labels at most. */
  readonly isKept?: true
  readonly read: () => readonly Reading[]
}

/** The reading of a family without labels. */
export function one(value: number): readonly Reading[] {
  return [[[], value]]
}
