import { expect, it } from 'vitest'
import { armSignals } from '../../src/domain/rollout/signals.ts'

const CONTROL = { calls: 200, costUsd: 0.01, firstTokenMs: 300, outputTokens: 100 }

it('what is more than twice the control’s is failing, and what nobody knows is no signal', () => {
  const dear = armSignals({ ...CONTROL, costUsd: 0.021, firstTokenMs: 599, outputTokens: undefined }, CONTROL)
  expect(dear).toEqual([
    { name: 'cost', isFailing: true, detail: '$0.0210 per request against $0.0100 per request' },
    { name: 'ttft', isFailing: false, detail: '599 ms to the first token against 300 ms to the first token' },
  ])
})

it('a hundred calls of either arm are the least that say anything', () => {
  expect(armSignals({ ...CONTROL, calls: 99, costUsd: 1 }, CONTROL)).toEqual([])
  expect(armSignals(undefined, CONTROL)).toEqual([])
})
