import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { calibrate, type LabelledPair } from '../../src/evaluate/judge/calibration.ts'
import { lackOfTrust, LEAST_TRUSTED } from '../../src/evaluate/judge/judge-trust.ts'

const SQL = readFileSync(join(import.meta.dirname, '../../config/clickhouse/065_calibrations.sql'), 'utf8')
const HUMANS = [1, 0, -1] as const
/** Of who reads the candidate first. */
const CHOICES = { '1': 'first', '0': 'tie', '-1': 'second' } as const
const SWAPPED = { '1': 'second', '0': 'tie', '-1': 'first' } as const

/** `count` pairs, of which the judge says `of` what the person said, in both orders. */
function calibrated(count: number, of: (human: -1 | 0 | 1, each: number) => -1 | 0 | 1 | undefined) {
  const pairs = Array.from({ length: count }, (_, each): LabelledPair => {
    const human = HUMANS[each % 3] ?? 0
    const said = of(human, each)
    const candidateFirst = said === undefined ? undefined : CHOICES[`${said}`]
    const stableFirst = said === undefined ? undefined : SWAPPED[`${said}`]
    return { task: '', human, candidateFirst, stableFirst, candidateChars: 9, stableChars: 9 }
  })
  return calibrate(pairs)
}

test('what is said of trust after a calibration is what v_judge_trust has rollouts go by', () => {
  expect(SQL).toContain(`kappa >= ${LEAST_TRUSTED.kappa}, 0) AND judged >= ${LEAST_TRUSTED.judged} AS is_trusted`)
})

test('a judge that agrees on enough pairs lacks nothing, else it is said what and how much', () => {
  expect(lackOfTrust(calibrated(150, (human) => human))).toBeUndefined()
  expect(lackOfTrust(calibrated(151, (human, each) => (each < 2 ? undefined : human)))).toBe(
    '149 judged pairs of at least 150',
  )
  expect(lackOfTrust(calibrated(150, () => 0))).toBe('κ 0.000 of at least 0.6')
  expect(lackOfTrust(calibrated(3, () => undefined))).toBe(
    '0 judged pairs of at least 150, a κ that cannot be told from these labels',
  )
})
