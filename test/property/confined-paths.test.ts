import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recognise } from '../../src/dialects/recognise.ts'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'

// A key of the config opens what is below its base URL and nothing else, whatever spelling a server may undo on the way.

const BASE = '/team-a/openai'
const { providers } = aPolicy([
  aProvider({ baseUrl: new URL(`https://host.example${BASE}`), apiKey: 'sk-server' }),
  aProvider({
    name: 'mapped',
    baseUrl: new URL(`https://host.example${BASE}`),
    apiKey: 'sk-server',
    paths: [{ client: '/v1', upstream: '/api/v3', namesModel: false }],
  }),
  aProvider({
    name: 'named',
    baseUrl: new URL(`https://host.example${BASE}`),
    apiKey: 'sk-server',
    paths: [{ client: '/deployments', upstream: '/openai/deployments', namesModel: true }],
  }),
])

const aSeparator = fc.constantFrom('/', '//', '\\', '%2f', '%2F', '%5c', '%5C', '%252f', '%255C', '/\\', '///')
const aDot = fc.constantFrom('.', '%2e', '%2E', '%252e', '%25252E')
const aStep = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('v1', 'deployments', 'm', 'chat', 'completions', 'a..b', '...', '%41', '') },
  { weight: 3, arbitrary: fc.tuple(aDot, aDot).map(([first, second]) => first + second) },
  { weight: 1, arbitrary: aDot },
  { weight: 1, arbitrary: fc.constantFrom('..;', '..;a=b', '%2e%2e%3bx', '.;', '..%3B', '..%253b') },
)
const aPath = fc
  .array(fc.tuple(aSeparator, aStep), { minLength: 1, maxLength: 7 })
  .map((steps) => steps.map(([separator, step]) => separator + step).join(''))
const aMount = fc.constantFrom('/openai', '/p/openai', '/p/mapped', '/p/named', '')
const aForm = fc.constantFrom('', 'http://evil.example', 'https://u:p@evil.example:1', 'ftp://evil.example')
const aQuery = fc.constantFrom('', '?a=/../', '?', '?x#y')

type Reader = (path: string) => readonly string[]

/** How servers on the way may read a path into segments: how often they decode, which separators and parameters they know. */
const READERS: readonly Reader[] = [0, 1, 2, 3].flatMap((decodings) =>
  [/\//, /[/\\]/].flatMap((separator) =>
    [false, true].map((cutsParameters) => (path: string) => {
      let read = path
      for (let round = 0; round < decodings; round++) read = read.replace(/%(25|2e|2f|5c|3b)/gi, decodeURIComponent)
      const kept: string[] = []
      for (const segment of read.split(separator)) {
        // Dots are read as dots also by those who decode nothing else (WHATWG URL).
        const name = (cutsParameters ? segment.replace(/;.*$/, '') : segment).replace(/%2e/gi, '.')
        if (name === '..') kept.pop()
        else if (name !== '.' && name !== '') kept.push(name)
      }
      return kept
    }),
  ),
)

describe('a path below a mount with a key of the config', () => {
  it('never leads out of the base URL, however a server reads it', () => {
    let passed = 0
    fc.assert(
      fc.property(aForm, aMount, aPath, aQuery, (form, mount, path, query) => {
        const found = recognise('POST', `${form}${mount}${path}${query}`, false, providers)
        if ('error' in found) return
        passed++
        const [upstreamPath = ''] = found.upstreamPath.split('?')
        expect(found.upstreamPath.startsWith('/')).toBe(true)
        for (const read of READERS) expect(read(BASE + upstreamPath).slice(0, 2)).toEqual(['team-a', 'openai'])
      }),
      { numRuns: 20_000 },
    )
    // Innocent paths must go on.
    expect(passed).toBeGreaterThan(1_000)
  })
})
