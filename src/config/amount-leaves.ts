import type { z } from 'zod'
import type { PicoUsd, Unit } from '../domain/units.ts'
import { scaleDecimal } from './exact-decimal.ts'
import { leaf } from './leaf.ts'

const ONE_USD: PicoUsd = 1_000_000_000_000n

/** What `10%` says, as 10; undefined for anything that is no percentage. */
export function percentOf(value: unknown): number | undefined {
  const [, digits] = (typeof value === 'string' ? /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(value) : null) ?? []
  return digits !== undefined && Number(digits) <= 100 ? Number(digits) : undefined
}

/** A share, written `10%`. */
export function percentage(): z.ZodType<Unit> {
  const expected = 'a percentage from 0% to 100%, such as 10% or 0.5%'
  return leaf<Unit>(
    (value) => {
      const percent = percentOf(value)
      return percent === undefined ? { expected } : { value: percent / 100 }
    },
    {
      show: (shown) => (/^[\d.%]{1,12}$/.test(shown) ? `"${shown}"` : undefined),
      json: { type: 'string', pattern: '^\\d{1,3}(\\.\\d{1,4})?%$|\\$\\{' },
    },
  )
}

/** US dollars, to a millionth. */
export function usd(): z.ZodType<PicoUsd> {
  const expected = 'an amount in USD such as 0.05 or 20, with at most 6 decimals and at most 1000000'
  return leaf<PicoUsd>(
    (value) => {
      const isExact = typeof value === 'string' && /^\d+(\.\d{1,6}0*)?$/.test(value)
      const picoUsd = isExact ? scaleDecimal(value, ONE_USD) : undefined
      return picoUsd === undefined || picoUsd > 1_000_000n * ONE_USD ? { expected } : { value: picoUsd }
    },
    {
      show: (shown) => (/^-?[\d.]{1,24}$/.test(shown) ? `"${shown}"` : undefined),
      takesDigits: true,
      json: {
        anyOf: [
          { type: 'number', minimum: 0, maximum: 1_000_000 },
          { type: 'string', pattern: '\\$\\{' },
        ],
      },
    },
  )
}
