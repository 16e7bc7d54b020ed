import { expect, it } from 'vitest'
import { aPair } from '../fakes/direct-and-proxied.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import { plain } from '../fakes/raw-upstream.ts'

const pair = aPair()

/** The tags on the record of a request with these `x-understudy-tags` headers. */
async function tagsOf(...headers: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { upstream, proxy, recordOf } = pair()
  upstream.serve((call) => call.write(plain('{}')))
  const named = headers.map((value) => ['x-understudy-tags', value] as const)
  const [record] = await recordOf(() => exchangeRaw(proxy.port, aPost('/v1/chat/completions', '{}', named)))
  return record.request.controls.tags
}

it('keeps every one of 32 tags, however long the header is, and of one header or of several', async () => {
  const entries = Array.from({ length: 32 }, (_, i) => [`name-${i}`, `${i}-${'v'.repeat(200)}`] as const)
  const text = entries.map(([name, value]) => `${name}=${value}`)
  expect(await tagsOf(text.join(','))).toEqual(Object.fromEntries(entries))
  expect(await tagsOf(text.slice(0, 16).join(','), text.slice(16).join(', '))).toEqual(Object.fromEntries(entries))
})

it('keeps no more than 32 tags, and of a longer name or value the first 256 characters', async () => {
  const many = Array.from({ length: 40 }, (_, i) => `t${i}=1`).join(',')
  expect(Object.keys(await tagsOf(many))).toEqual(Array.from({ length: 32 }, (_, i) => `t${i}`))
  expect(await tagsOf(`${'n'.repeat(300)}=${'v'.repeat(300)},after=kept`)).toEqual({
    ['n'.repeat(256)]: 'v'.repeat(256),
    after: 'kept',
  })
})

it('reads the first 8 KB of the header, and no tag that is cut in two there', async () => {
  const long = 'v'.repeat(4000)
  expect(await tagsOf(`a=${long},b=${long},c=${long},d=1`)).toEqual({ a: 'v'.repeat(256), b: 'v'.repeat(256) })
  expect(await tagsOf('x'.repeat(9000))).toEqual({})
})
