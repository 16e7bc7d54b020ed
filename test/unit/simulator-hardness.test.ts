import fc from 'fast-check'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { ENDPOINTS } from '../../src/simulator/endpoints.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator()
const paths = [...ENDPOINTS.keys()]
const headers = { authorization: 'Bearer x', 'anthropic-version': '2023-06-01' }

/** Status of an answer that was read to its end. */
async function statusOf(path: string, body: string | Buffer): Promise<number> {
  const answer = await request(simulator().url + path, { method: 'POST', headers, body })
  await answer.body.dump()
  return answer.statusCode
}

const model = fc.constantFrom(
  'sim-plain',
  'sim-fast',
  'sim-embedding',
  'sim-instruct',
  'sim-reasoning',
  'no-such-model',
)
const hostile = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom('user', 'Order 1 from a in b, total EUR 1.00.', '1 + 1'),
)
const field = fc.constantFrom(
  'messages',
  'input',
  'prompt',
  'tools',
  'tool_choice',
  'response_format',
  'text',
  'output_config',
  'stream',
  'stream_options',
  'system',
  'thinking',
  'max_tokens',
  'n',
  'dimensions',
  'encoding_format',
  'reasoning',
  'include',
  'metadata',
)

describe('whatever a client sends', () => {
  it('gets an answer, and a 4xx where the provider would refuse', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        model,
        fc.dictionary(field, hostile, { maxKeys: 6 }),
        async (path, name, fields) => {
          expect([200, 400, 404]).toContain(
            await statusOf(
              path,
              JSON.stringify({ max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...fields, model: name }),
            ),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('gets a 400 for bytes that are no JSON object', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({ maxLength: 200 }), async (path, bytes) => {
        expect(await statusOf(path, Buffer.from(bytes))).toBe(400)
      }),
      { numRuns: 60 },
    )
  })

  it('does not bring it down by nesting deeper than the stack', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const statuses = await Promise.all(
      paths.map((path) =>
        statusOf(
          path,
          `{"model":"sim-plain","max_tokens":1,"input":"x","messages":[{"role":"user","content":"x"}],"tools":${deep}}`,
        ),
      ),
    )
    expect(new Set(statuses)).toEqual(new Set([200, 404, 500]))
    expect(
      await statusOf('/v1/chat/completions', '{"model":"sim-plain","messages":[{"role":"user","content":"x"}]}'),
    ).toBe(200)
  })
})
