import { expect, test } from 'vitest'
import { createPins, type Pin } from '../../src/domain/routing/pins.ts'

const pin = (value: string): Pin => ({ provider: 'openai', unit: { value, source: 'first_turn' }, key: '' })

test('the table of pins is bounded: the oldest makes room, and one that is kept again is new', () => {
  const pins = createPins(2)
  pins.keep('a', pin('1'))
  pins.keep('b', pin('2'))
  pins.keep('a', pin('3'))
  pins.keep('c', pin('4'))
  expect(['a', 'b', 'c'].map((id) => pins.find(id)?.unit.value)).toEqual(['3', undefined, '4'])
})
