import { expect, it } from 'vitest'
import { configOf, faultsOf } from '../fakes/a-config.ts'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import { plain } from '../fakes/raw-upstream.ts'
import { namedRows, readableRow } from '../../src/store/named-rows.ts'
import { TRACE_COLUMNS, traceRow } from '../../src/store/trace-row.ts'

// Names that mean something to every JavaScript object. Whoever writes them must neither change what other objects are
// nor read what was never sent.

const pair = aPair()
const namesOfEveryObject = (): readonly string[] => Object.getOwnPropertyNames(Object.prototype)
const untouched = namesOfEveryObject()

it('tags may be called __proto__ or constructor, from the header to the row', async () => {
  const { upstream, proxy, recordOf } = pair()
  upstream.serve((call) => call.write(plain('{}')))
  const header = ['x-understudy-tags', '__proto__=a,constructor=b,prototype=c,toString=d,hasOwnProperty=e'] as const
  const [record] = await recordOf(() => exchangeRaw(proxy.port, aPost('/v1/chat/completions', '{}', [header])))
  const tags = [
    ['__proto__', 'a'],
    ['constructor', 'b'],
    ['prototype', 'c'],
    ['toString', 'd'],
    ['hasOwnProperty', 'e'],
  ]
  expect(Object.entries(record.request.controls.tags)).toEqual(tags)
  const row: { tags: object } = JSON.parse(readableRow(namedRows(TRACE_COLUMNS), traceRow(record, 'here')))
  expect(Object.entries(row.tags)).toEqual(tags)
  expect(namesOfEveryObject()).toEqual(untouched)
})

it('a body says nothing through its __proto__, and an answer neither', async () => {
  const { upstream, proxy, recordOf } = pair()
  const usage = '{"prompt_tokens":5,"completion_tokens":7}'
  upstream.serve((call) =>
    call.write(
      plain(
        `{"__proto__":{"model":"p","usage":${usage}},"constructor":{"prototype":{"usage":${usage}}},"usage":{"__proto__":${usage}}}`,
      ),
    ),
  )
  const body = '{"__proto__":{"model":"p","stream":true,"tools":[1]},"constructor":{"prototype":{"model":"p"}}}'
  const [record] = await recordOf(() => exchangeRaw(proxy.port, aPost('/v1/chat/completions', body)))
  expect(record.request).toMatchObject({ model: undefined, isStream: false, shape: { hasTools: false } })
  expect(record.attempts).toMatchObject([{ usage: undefined, servedModel: undefined }])
  expect(namesOfEveryObject()).toEqual(untouched)
})

it('a provider or header of the config may be called constructor; __proto__ is a fault at its place', () => {
  const text = (name: string, header: string) =>
    `providers:\n  ${name}:\n    dialect: openai\n    base_url: https://example.com\n    headers: { ${header}: x }\n`
  const { policy } = configOf(text('constructor', 'constructor'))
  expect([...policy.providers.keys()]).toEqual(['constructor'])
  expect([...(policy.providers.get('constructor')?.headers ?? [])]).toEqual([['constructor', 'x']])
  expect(faultsOf(text('__proto__', 'a'))).toContainEqual(expect.stringContaining('u.yaml:2:3'))
  expect(faultsOf(text('openai', '__proto__'))).toContainEqual(expect.stringContaining('u.yaml:5:16'))
  expect(faultsOf(`${text('openai', 'a')}constructor: { prototype: { polluted: yes } }\n`)).toHaveLength(1)
  expect(namesOfEveryObject()).toEqual(untouched)
})
