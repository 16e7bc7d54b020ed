import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { redactedText } from '../../src/config/redacted-text.ts'
import { fileSchema } from '../../src/config/schema.ts'
import { factsAt, leafPaths } from '../../src/config/schema-path.ts'

const FILE = `# the old key was sk-in-a-comment-0123456789
admin: { token: "\${ADMIN_TOKEN}", read_token: literal-read-token-1 }
store: { url: "http://clickhouse:8123", password: literal-password-2 }
providers:
  openai: { api_key: "\${OPENAI_KEY:-sk-fallback-0123456789}" }
  other:
    dialect: openai
    base_url: https://other.example
    api_key: &key sk-anchored-0123456789
    headers: { x-extra: "Bearer \${EXTRA} and literal-header-3" }
  third: { dialect: openai, base_url: https://third.example, api_key: *key }
routes:
  chat: { match: { model: sk-anchored-0123456789 }, strategy: weighted, targets: [{ target: openai/a, weight: 9 }, { target: other/b, weight: 1 }] }
`
const ENVIRONMENT = { ADMIN_TOKEN: 'admin-token', OPENAI_KEY: 'sk-live', EXTRA: 'extra' }

test('no literal secret is left: not as a key, a header, a password, a fallback, an alias, a copy or in a comment', () => {
  const kept = redactedText(FILE)
  for (const secret of [
    'sk-in-a-comment',
    'literal-read-token',
    'literal-password',
    'sk-fallback',
    'sk-anchored',
    'literal-header',
  ]) {
    expect(kept).not.toContain(secret)
  }
})

test('references to the environment stay references, and everything else says what it said', () => {
  const value: unknown = JSON.parse(redactedText(FILE))
  expect(value).toMatchObject({
    admin: { token: '${ADMIN_TOKEN}', read_token: 'redacted-1' },
    providers: {
      openai: { api_key: '${OPENAI_KEY:-redacted-3}' },
      other: { base_url: 'https://other.example', headers: { 'x-extra': 'redacted-5${EXTRA}redacted-6' } },
    },
    routes: { chat: { strategy: 'weighted', targets: [{ target: 'openai/a', weight: 9 }, {}] } },
  })
})

test('what is kept is a config that routes alike', () => {
  const read = (text: string) => {
    const result = parseConfig(text, 'understudy.yaml', ENVIRONMENT, '/')
    if ('faults' in result) throw new Error(JSON.stringify(result.faults))
    return result.config.policy.routing.routes.map(({ name, strategy, fallbacks }) => ({ name, strategy, fallbacks }))
  }
  expect(read(redactedText(FILE))).toEqual(read(FILE))
})

test('every value that a fault may never show because it is a key is redacted', () => {
  const secret = leafPaths(fileSchema).filter((path) => factsAt(fileSchema, path)?.isSecret === true)
  expect(secret.map((path) => path.join('.'))).toEqual([
    'admin.token',
    'admin.read_token',
    'store.password',
    'providers.*.api_key',
    'providers.*.headers.*',
    'audits.*.api_key',
  ])
})
