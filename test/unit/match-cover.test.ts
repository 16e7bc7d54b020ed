import { expect, test } from 'vitest'
import { covers, exclude } from '../../src/config/match-cover.ts'

test.each<[earlier: unknown, later: unknown, isCovered: boolean]>([
  [undefined, { team: ['a'] }, true],
  [{}, undefined, true],
  [{ team: ['a'] }, {}, false],
  [{ team: ['a', 'b'] }, { team: ['b'], stream: true }, true],
  [{ team: ['b'] }, { team: ['a', 'b'] }, false],
  [{ team: ['a'], stream: true }, { team: ['a'] }, false],
  [{ stream: true }, { stream: false }, false],
  // Whoever needs both needs each; whoever needs one may not need the other.
  [{ needs: ['tools'] }, { needs: ['images', 'tools'] }, true],
  [{ needs: ['images', 'tools'] }, { needs: ['tools'] }, false],
  [{ hours: { between: '08:00-18:00', zone: 'UTC' } }, { hours: { between: '08:00-18:00', zone: 'UTC' } }, true],
  [{ input_tokens: { below: 5 } }, { input_tokens: { below: 4 } }, false],
  // A route leaves embeddings out unless it names them.
  [{}, { api: ['embeddings'] }, false],
  [{}, { api: ['chat_completions'] }, true],
  [{ api: ['embeddings', 'responses'] }, { api: ['embeddings'] }, true],
  // A match that is none is a fault of its own.
  ['x', {}, false],
])('whatever %j leaves of %j: %s', (earlier, later, isCovered) => {
  expect(covers(earlier, later, true)).toBe(isCovered)
})

test('rules of one route see the same APIs, so none is hidden from a rule without one', () => {
  expect(covers({}, { api: ['embeddings'] }, false)).toBe(true)
})

test.each<[one: unknown, other: unknown, field: string | undefined]>([
  [{ team: ['a'] }, { team: ['b'] }, 'team'],
  [{ team: ['a'] }, { team: ['b', 'a'] }, undefined],
  [{ team: ['a*'] }, { team: ['b'] }, undefined],
  [{ stream: true }, { stream: false }, 'stream'],
  [{ turn: { below: 3 } }, { turn: { from: 3 } }, 'turn'],
  [{ turn: { from: 3 } }, { turn: { below: 3 } }, 'turn'],
  [{ turn: { from: 3 } }, { turn: { below: 4 } }, undefined],
  // Several of these may hold of one request.
  [{ model: ['a'] }, { model: ['b'] }, undefined],
  [{ flag: ['a'] }, { flag: ['b'] }, undefined],
  [{ needs: ['tools'] }, { needs: ['images'] }, undefined],
  [undefined, { team: ['a'] }, undefined],
])('%j and %j exclude each other by %s', (one, other, field) => {
  expect(exclude(one, other)).toBe(field)
})
