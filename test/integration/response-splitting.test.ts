import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { faultsOf, PROVIDERS } from '../fakes/a-config.ts'
import { startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'
import { aPost, exchangeRaw } from '../fakes/raw-client.ts'
import type { RawAnswer } from '../fakes/raw-client.ts'

// A head is lines. Nobody who chooses a name may add a line to the head of an answer or of a call.

const CHAT = '/v1/chat/completions'
const EVIL = '"a\\r\\nX-Evil: 1"'

it.each([
  ["a provider's name", `providers:\n  ${EVIL}: { dialect: openai, base_url: https://e.example }\n`],
  ["a header's name", `${PROVIDERS}    headers: { ${EVIL}: x }\n`],
  ["a header's value", `${PROVIDERS}    headers: { x: ${EVIL} }\n`],
  ['a key', `${PROVIDERS}    api_key: ${EVIL}\n`],
  ['a path', `${PROVIDERS}    paths: { /v1: "/a\\r\\nX-Evil: 1" }\n`],
  ["a route's name", `${PROVIDERS}routes: { ${EVIL}: { target: openai/m } }\n`],
  ['a target', `${PROVIDERS}routes: { r: { target: "openai/m\\r\\nX-Evil: 1" } }\n`],
  [
    "a rule's name",
    `${PROVIDERS}routes: { r: { strategy: rules, rules: [{ name: ${EVIL}, when: { model: x }, target: openai/m }], otherwise: openai/n } }\n`,
  ],
  ['what an alias means', `${PROVIDERS}aliases: { x: ${EVIL} }\n`],
  ['a task type', `${PROVIDERS}labels: { task_types: [${EVIL}] }\n`],
  ['an origin', `${PROVIDERS}access: { allowed_origins: ["https://a.example\\r\\nX-Evil: 1"] }\n`],
  ['a token', `${PROVIDERS}admin: { token: ${EVIL} }\n`],
])('%s of the config with a line break in it is a fault', (_, text) => {
  expect(faultsOf(text).length).toBeGreaterThan(0)
  expect(faultsOf(text.replace('\\r\\nX-Evil: 1', ''))).toEqual([])
})

let stage: HostileStage
beforeAll(async () => {
  stage = await startHostileStage()
})
afterAll(() => stage.close())

/** Those that say something of the call; which of them do depends on what was asked. */
const OWN = /^x-understudy-[a-z-]+$/
const CONTROLS = ['route', 'session', 'user', 'team', 'tags', 'task', 'complexity']
/** Spellings of a line break that something on the way may undo; the last is what the low bytes of two characters make. */
const BREAKS = [
  '%0d%0a',
  '%0D%0AX-Evil:1',
  '\\r\\n',
  '%E5%98%8D%E5%98%8A',
  '\xe5\x98\x8d\xe5\x98\x8aX-Evil: 1',
  '\x85',
  '\xa0',
]

const aName = fc.array(
  fc.oneof(
    fc.constantFrom(...BREAKS),
    fc.constantFrom('\r\n', '\r', '\n', '\0', '\u560d\u560a', '\u2028', 'X-Evil: 1'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  ),
  { maxLength: 6 },
)
/** What a header may hold on the wire. */
const aValue = fc
  .array(fc.oneof(fc.constantFrom(...BREAKS), fc.string({ maxLength: 8 })), { maxLength: 6 })
  .map((parts) =>
    parts
      .join('')
      .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
      .trim(),
  )

it('whatever a client calls its model, route, user or tags, the answer has the lines of any other, ours in ASCII and once', async () => {
  const headers = fc.uniqueArray(fc.tuple(fc.constantFrom(...CONTROLS), aValue), { selector: ([name]) => name })
  const foreign = (head: RawAnswer['headers']): string[] =>
    head.map(([name]) => name.toLowerCase()).filter((name) => !OWN.test(name))
  const plainly = await exchangeRaw(stage.proxy.port, aPost(CHAT, '{"model":"m"}'))
  await stage.settled()
  await fc.assert(
    fc.asyncProperty(aName, headers, async (name, controls) => {
      const body = JSON.stringify({ model: name.join('') })
      const sent = controls.map(([control, value]) => [`x-understudy-${control}`, value] as const)
      const call = stage.upstream.next()
      const answer = await exchangeRaw(stage.proxy.port, aPost(CHAT, body, sent))
      expect(answer.status).toBe(200)
      expect(foreign(answer.headers)).toEqual(foreign(plainly.headers))
      const own = answer.headers.map(([header]) => header.toLowerCase()).filter((header) => OWN.test(header))
      expect(own).toEqual([...new Set(own)])
      for (const [, value] of answer.headers) expect(value).toMatch(/^[\x20-\x7e]*$/)
      expect((await call).headers.filter(([header]) => /^x-(evil|understudy)/i.test(header))).toEqual([])
    }),
    { numRuns: 300, seed: 20_261_120 },
  )
  await stage.settled()
})
