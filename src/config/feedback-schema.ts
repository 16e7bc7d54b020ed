import type { z } from 'zod'
import type { QualityReference } from '../domain/feedback/feedback-policy.ts'
import { percentage, usd } from './amount-leaves.ts'
import { leaf, quote } from './leaf.ts'
import { choice, share } from './leaves.ts'
import { section } from './section.ts'
import { orOnly } from './shorthand.ts'
import { parseTargetName } from './target-name.ts'

/** A target of the route, or a quality. */
function qualityReference(): z.ZodType<QualityReference> {
  const expected = 'a target of this route, or a quality from 0 to 1 such as 0.75'
  return leaf<QualityReference>(
    (value) => {
      if (typeof value === 'number' && value >= 0 && value <= 1) return { value: { kind: 'quality', value } }
      const target = typeof value === 'string' ? parseTargetName(value) : undefined
      return target?.model === undefined ? { expected } : { value: { kind: 'arm', key: target.key } }
    },
    {
      show: (text) => (/^[\w.@:+/-]{1,64}$/.test(text) ? quote(text) : undefined),
      fromText: (text) => (/^[01](\.\d{1,6})?$/.test(text) ? Number(text) : text),
      json: { anyOf: [{ type: 'number', minimum: 0, maximum: 1 }, { type: 'string' }] },
    },
  )
}

/** What a weighted or balanced route lets evidence do with its weights. */
export const feedbackSection = orOnly(
  section({
    mode: choice(['off', 'suggest', 'apply'])
      .prefault('off')
      .describe('suggest: decisions are only written down. apply: weights move by them, within bounds.'),
    reference: qualityReference()
      .optional()
      .describe('What is good enough goes by this target, or by this quality. Default: the first target.'),
    delta: share().prefault(0.05).describe('By how much quality may lie below the reference, from 0 to 1.'),
    point_value: usd()
      .prefault('0')
      .describe('What 0.01 of quality is worth, in USD per request. 0: the cheapest that is good enough wins.'),
    floor: percentage().prefault('5%').describe('Least share of a target that is good enough.'),
    ceiling: percentage().prefault('100%').describe('Most share of any target.'),
  }),
  'mode',
)
