import type { z } from 'zod'
import { leaf, quote } from './leaf.ts'
import { nearest } from './nearest.ts'
import { KIND_NAMES, kindNamed } from './provider-kinds.ts'

/** A kind of provider that is known by name. */
export function kindName(): z.ZodType<string> {
  return leaf(
    (value) => {
      if (typeof value === 'string' && kindNamed(value) !== undefined) return { value }
      const near = typeof value === 'string' ? nearest(value, KIND_NAMES) : undefined
      const guess = near === undefined ? '' : `${near}, or another of `
      return { expected: `a known kind (${guess}${KIND_NAMES.join(', ')})` }
    },
    {
      show: (text) => (/^[\w .-]{1,24}$/.test(text) ? quote(text) : undefined),
      json: { anyOf: [{ enum: KIND_NAMES }, { type: 'string', pattern: '\\$\\{' }] },
    },
  )
}
