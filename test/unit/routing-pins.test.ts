import { expect, test } from 'vitest'
import { createPins, type Pin } from '../../src/domain/routing/pins.ts'

const pin = (value: string): Pin => ({ provider: 'openai', unit: { value, source: 'first_turn' }, key: '' })

test('the table of pins is bounded: the oldest make room, and one that is kept again is new', () => {
  const pins = createPins(4)
  pins.keep('a', pin('1'))
  pins.keep('b', pin('1'))
  pins.keep('c', pin('1'))
  pins.keep('a', pin('2'))
  pins.keep('d', pin('1'))
  expect(['a', 'b', 'c', 'd'].map((id) => pins.find(id)?.unit.value)).toEqual(['2', undefined, '1', '1'])
})
