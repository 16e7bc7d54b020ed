import type { FunnelCount } from '../domain/funnel.ts'
import { countField, type FieldsOf, textField } from './row-fields.ts'

/** Columns of table `shadow_funnel`, in the order of `funnelRow`. */
export const FUNNEL_COLUMNS = [
  'minute',
  'instance',
  'shadow',
  'provider',
  'model',
  'is_control',
  'stage',
  'reason',
  'requests',
] as const

/** One row of table `shadow_funnel`. */
export function funnelRow(count: FunnelCount, instance: string): FieldsOf<typeof FUNNEL_COLUMNS> {
  return [
    Math.floor(count.minute / 1_000),
    instance,
    textField(count.shadow),
    textField(count.target?.provider),
    textField(count.target?.model),
    count.isControl,
    count.stage,
    textField(count.reason),
    countField(count.requests),
  ]
}
