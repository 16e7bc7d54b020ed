import { expect, it } from 'vitest'
import { createArmPins } from '../../src/domain/rollout/arm-pins.ts'
import type { StickyUnit } from '../../src/domain/routing/facts.ts'

const MINUTE = 60_000
const unit = (value: string, source: StickyUnit['source'] = 'session'): StickyUnit => ({ value, source })
const candidate = { rollout: 'mini', epoch: 1, arm: 'candidate' } as const

it('a conversation keeps its first arm of an epoch', () => {
  const pins = createArmPins()
  pins.keep(unit('a'), candidate, 0)
  pins.keep(unit('a'), { ...candidate, arm: 'control' }, 1)
  expect(pins.find(unit('a'), 2)).toEqual([candidate])
})

it('another epoch takes the place of the last one, another rollout stands beside it', () => {
  const pins = createArmPins()
  const [next, other] = [
    { ...candidate, epoch: 2, arm: 'stable' } as const,
    { ...candidate, rollout: 'other', arm: 'control' } as const,
  ]
  for (const pin of [candidate, other, next]) pins.keep(unit('a'), pin, 0)
  expect(pins.find(unit('a'), 1)).toEqual([other, next])
})

it('a conversation is over after half an hour of silence, and after a day', () => {
  const pins = createArmPins()
  pins.keep(unit('silent'), candidate, 0)
  expect(pins.find(unit('silent'), 29 * MINUTE)).toEqual([candidate])
  expect(pins.find(unit('silent'), 30 * MINUTE)).toBeUndefined()
  for (let at = 0; at < 24 * 60; at += 20) pins.keep(unit('endless'), candidate, at * MINUTE)
  expect(pins.find(unit('endless'), (24 * 60 - 1) * MINUTE)).toEqual([candidate])
  expect(pins.find(unit('endless'), 24 * 60 * MINUTE)).toBeUndefined()
})

it('conversations that have been silent the longest make room', () => {
  const pins = createArmPins(4)
  for (const value of ['a', 'b', 'c', 'a', 'd']) pins.keep(unit(value), candidate, 0)
  expect(pins.find(unit('b'), 0)).toBeUndefined()
  for (const value of ['a', 'c', 'd']) expect(pins.find(unit(value), 0)).toEqual([candidate])
  for (let n = 0; n < 100; n++) pins.keep(unit(`${n}`), candidate, 0)
  expect(pins.size()).toBeLessThanOrEqual(4)
  expect(pins.find(unit('99'), 0)).toEqual([candidate])
})

it('a user has many conversations, and a request that stands alone is none', () => {
  const pins = createArmPins()
  for (const source of ['user', 'none'] as const) {
    pins.keep(unit('a', source), candidate, 0)
    expect(pins.find(unit('a', source), 0)).toBeUndefined()
  }
  expect(pins.size()).toBe(0)
})
