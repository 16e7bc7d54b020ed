import { expect, test } from 'vitest'
import { createCell } from '../../src/domain/cell.ts'

test('a cell holds its initial value until it is swapped', () => {
  const cell = createCell(1)
  expect(cell.current()).toBe(1)
  cell.swap((previous) => previous + 1)
  expect(cell.current()).toBe(2)
})

test('a value read before a swap stays what it was', () => {
  const cell = createCell({ version: 'a' })
  const read = cell.current()
  cell.swap(() => ({ version: 'b' }))
  expect(read).toEqual({ version: 'a' })
})

test('every listener is told after each swap, in the order of subscription', () => {
  const cell = createCell(0)
  const told: string[] = []
  cell.subscribe((value) => told.push(`first ${value}`))
  cell.subscribe((value) => told.push(`second ${value}`))
  cell.swap(() => 1)
  cell.swap(() => 2)
  expect(told).toEqual(['first 1', 'second 1', 'first 2', 'second 2'])
})

test('listeners see values in the order of the swaps even when one of them swaps', () => {
  const cell = createCell(0)
  const told: number[] = []
  cell.subscribe((value) => {
    if (value === 1) cell.swap(() => 2)
  })
  cell.subscribe((value) => told.push(value))
  cell.swap(() => 1)
  expect(told).toEqual([1, 2])
  expect(cell.current()).toBe(2)
})

test('an unsubscribed listener hears nothing more, even within the swap that unsubscribed it', () => {
  const cell = createCell(0)
  const told: number[] = []
  cell.subscribe(() => unsubscribe())
  const unsubscribe = cell.subscribe((value) => told.push(value))
  cell.swap(() => 1)
  cell.swap(() => 2)
  expect(told).toEqual([])
})

test('the same function subscribed twice is told twice and unsubscribed once', () => {
  const cell = createCell(0)
  const told: number[] = []
  const listener = (value: number): number => told.push(value)
  const unsubscribe = cell.subscribe(listener)
  cell.subscribe(listener)
  cell.swap(() => 1)
  unsubscribe()
  unsubscribe()
  cell.swap(() => 2)
  expect(told).toEqual([1, 1, 2])
})

test('a listener that throws neither undoes the swap nor silences the others', () => {
  const cell = createCell(0)
  const told: number[] = []
  cell.subscribe(() => {
    throw new Error('broken listener')
  })
  cell.subscribe((value) => told.push(value))
  expect(() => cell.swap(() => 1)).toThrow('broken listener')
  expect(() => cell.swap(() => 2)).toThrow('broken listener')
  expect(cell.current()).toBe(2)
  expect(told).toEqual([1, 2])
})
