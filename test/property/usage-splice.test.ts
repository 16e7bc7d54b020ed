import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUsageSplice } from '../../src/dialects/usage-splice.ts'

const lineEnd = fc.constantFrom('\n', '\r\n')

/** One chat chunk as the provider writes it, without and with the usage that was asked for. */
const chunk = fc
  .record({
    text: fc.string({ unit: 'grapheme' }),
    extra: fc.constantFrom('', ',"obfuscation":"ab\\"usage\\":null"', ',"service_tier":"default"'),
    first: fc.boolean(),
  })
  .map(({ text, extra, first }) => {
    const head = `{"id":"c1","choices":[{"index":0,"delta":{"content":${JSON.stringify(`${text}"usage":null`)}},"finish_reason":null}]`
    const without = `data: ${head}${extra}}`
    return { without, with: first ? `data: ${head},"usage":null${extra}}` : `data: ${head}${extra},"usage":null}` }
  })
const verbatim = fc.constantFrom(
  ': ping',
  'event: ping\ndata: {"usage":null',
  'data: not json "usage":null',
  'data: [DONE]',
  'data: {"choices":[{"index":0}],"usage":{"total_tokens":3}}',
)

const USAGE_ONLY = 'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'

function run(bytes: Buffer, cuts: readonly number[]): string {
  const splice = createUsageSplice()
  const out: Buffer[] = []
  let from = 0
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    out.push(...splice.feed(bytes.subarray(from, cut)))
    from = cut
  }
  out.push(...splice.flush())
  return Buffer.concat(out).toString()
}

describe('createUsageSplice', () => {
  it('gives the client exactly the stream that it would have got without the usage, however the bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            chunk,
            verbatim.map((text) => ({ without: text, with: text })),
          ),
          { maxLength: 8 },
        ),
        lineEnd,
        fc.array(fc.nat(), { maxLength: 12 }),
        (events, end, cuts) => {
          const asked = events.map((event) => event.with.replaceAll('\n', end) + end + end)
          const plain = events.map((event) => event.without.replaceAll('\n', end) + end + end)
          const last = `data: [DONE]${end}${end}`
          expect(run(Buffer.from(asked.join('') + USAGE_ONLY + end + end + last), cuts)).toBe(plain.join('') + last)
        },
      ),
    )
  })

  it('passes any bytes on complete when there is nothing to take out', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 8 }), (noise, cuts) => {
        const bytes = Buffer.from(noise)
        fc.pre(!bytes.includes('"usage"'))
        expect(run(bytes, cuts)).toBe(bytes.toString())
      }),
    )
  })

  it('hands a whole event on at once, without waiting for the next', () => {
    const event = Buffer.from('data: {"choices":[{"delta":{"content":"a"}}],"usage":null}\n\n')
    expect(Buffer.concat([...createUsageSplice().feed(event)]).toString()).toBe(
      'data: {"choices":[{"delta":{"content":"a"}}]}\n\n',
    )
  })

  it('gives up on an event that never ends instead of keeping it', () => {
    const splice = createUsageSplice()
    let passed = 0
    for (let i = 0; i < 6; i++) for (const part of splice.feed(Buffer.alloc(1024 * 1024, 'x'))) passed += part.length
    expect(passed).toBeGreaterThan(4 * 1024 * 1024)
  })
})
