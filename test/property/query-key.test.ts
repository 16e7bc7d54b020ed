import fc from 'fast-check'
import { expect, it } from 'vitest'
import { queryKey, withoutQueryKey } from '../../src/dialects/query-key.ts'

const word = fc.stringMatching(/^[a-zA-Z0-9%._~+-]{0,8}$/)
const other = fc.tuple(word, fc.option(word)).map(([name, value]) => (value === null ? name : `${name}=${value}`))
const innocent = other.filter((text) => queryKey(`/?${text}`) === undefined && !/^(key|k%65y)=/i.test(text))

it.each([
  ['/p?key=AIza', 'AIza'],
  ['/p?alt=sse&key=a%2Fb%20c', 'a/b c'],
  ['/p?k%65y=x', 'x'],
  ['/p?access_token=t', 't'],
  ['/p?key=', undefined],
  ['/p?key', undefined],
  ['/p?monkey=x&keys=y', undefined],
  ['/p/key=x', undefined],
  ['/p?key=%zz', '%zz'],
])('the key of %s is %s', (target, key) => expect(queryKey(target)).toBe(key))

it('takes every key out, and leaves every other byte in its place', () => {
  const key = fc
    .tuple(fc.constantFrom('key', 'k%65y', 'access_token', 'oauth_token'), word)
    .map((pair) => pair.join('='))
  const parameters = fc.array(
    fc.oneof(
      innocent.map((text) => [text, false] as const),
      key.map((text) => [text, true] as const),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  fc.assert(
    fc.property(parameters, (list) => {
      const target = `/v1beta/models/m:generateContent?${list.map(([text]) => text).join('&')}`
      const kept = list.filter(([, isKey]) => !isKey).map(([text]) => text)
      const path = '/v1beta/models/m:generateContent'
      const expected = kept.length === 0 ? path : `${path}?${kept.join('&')}`
      expect(withoutQueryKey(target)).toBe(expected)
      expect(queryKey(withoutQueryKey(target))).toBeUndefined()
    }),
  )
})
