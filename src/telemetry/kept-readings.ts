import type { KeptReading } from '../domain/kept-reading.ts'
import type { SourceFamily } from './source-family.ts'

/** What the families that are kept over time say now. Counts of 0 are left out: most rows would be such. */
export function keptReadings(families: readonly SourceFamily[]): readonly KeptReading[] {
  return families.flatMap(({ isKept, type, name, read }) =>
    isKept === true
      ? read()
          .filter(([, value]) => type === 'gauge' || value !== 0)
          .map(([[subject = '', detail = ''], value]): KeptReading => ({ reading: name, subject, detail, value }))
      : [],
  )
}
