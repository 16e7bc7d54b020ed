import { type JsonRow, recordIn, textIn } from './json-rows.ts'

/** Requests of a shadow by what became of them, since its proxy began. */
export type FunnelCounts = {
  readonly eligible: number
  readonly mirrored: number
  readonly compared: number
  readonly skipped: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, number>>
}

/** Of a row of `/admin/shadows`. */
export function funnelIn(row: JsonRow): FunnelCounts {
  const funnel = recordIn(row, 'funnel')
  const count = (stage: string): number => Number(textIn(funnel, stage))
  const reasons = (stage: string): Readonly<Record<string, number>> =>
    Object.fromEntries(Object.entries(recordIn(funnel, stage) ?? {}).map(([reason, found]) => [reason, Number(found)]))
  return {
    eligible: count('eligible'),
    mirrored: count('mirrored'),
    compared: count('compared'),
    skipped: reasons('skipped'),
    failed: reasons('failed'),
  }
}

/** What came between two looks. A proxy that was started again in between has counted from 0. */
export function grownSince(before: FunnelCounts | undefined, now: FunnelCounts | undefined): FunnelCounts {
  const then = before === undefined || now === undefined || now.eligible < before.eligible ? undefined : before
  const between = (of: (counts: FunnelCounts) => number): number =>
    (now === undefined ? 0 : of(now)) - (then === undefined ? 0 : of(then))
  const reasons = (stage: 'skipped' | 'failed'): Readonly<Record<string, number>> =>
    Object.fromEntries(
      Object.keys(now?.[stage] ?? {}).map((reason) => [reason, between((counts) => counts[stage][reason] ?? 0)]),
    )
  return {
    eligible: between((counts) => counts.eligible),
    mirrored: between((counts) => counts.mirrored),
    compared: between((counts) => counts.compared),
    skipped: reasons('skipped'),
    failed: reasons('failed'),
  }
}
