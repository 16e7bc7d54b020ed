import { familyHeader, labelText, sampleText } from './exposition.ts'
import type { Family } from './exposition.ts'

/** One series; the hot path adds to `value` itself, without a call or a look-up. */
export type Counter = { value: number }

export type CounterFamily = Family & {
  /** The series with these label values, in the order of the family's names; made on first use, then the same object. */
  readonly series: (...labelValues: readonly string[]) => Counter
}

export type CounterFamilyOptions = {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  /** What one exposed unit is in terms of `value`: 1e12 for dollars counted in pico-dollars. 1 without it. */
  readonly unit?: number
}

/** Counters whose series are resolved once and kept: adding costs a few nanoseconds, the library's look-up 0.3 µs. */
export function createCounterFamily({ name, help, labelNames, unit = 1 }: CounterFamilyOptions): CounterFamily {
  const counters = new Map<string, Counter>()
  return {
    series: (...labelValues) => {
      const key = labelText(labelNames, labelValues)
      const known = counters.get(key)
      if (known !== undefined) return known
      const counter = { value: 0 }
      counters.set(key, counter)
      return counter
    },
    expose: () => {
      let text = familyHeader(name, help, 'counter')
      for (const [labels, { value }] of counters) {
        text += `${name}${labels === '' ? '' : `{${labels}}`} ${sampleText(value / unit)}\n`
      }
      return text
    },
  }
}
