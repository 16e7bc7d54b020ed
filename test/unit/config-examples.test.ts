import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkConfig } from '../../src/config/check.ts'
import { FALLBACK_TRIGGERS } from '../../src/domain/routing/route.ts'
import { SCENARIO_NAMES } from '../../src/simulator/scenarios.ts'

const EXAMPLES = resolve(import.meta.dirname, '../../config/examples')
const FILES = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'))
const README = readFileSync(join(EXAMPLES, 'README.md'), 'utf8')
/** Where one cannot work without keys. */
const KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'failover-two-accounts.yaml': { OPENAI_API_KEY: 'sk-1', OPENAI_SECOND_API_KEY: 'sk-2' },
  'audit.yaml': { OPENAI_API_KEY: 'sk-1' },
  'shadow.yaml': { OPENAI_API_KEY: 'sk-1' },
  'rollout.yaml': { OPENAI_API_KEY: 'sk-1' },
  'feedback.yaml': { OPENAI_API_KEY: 'sk-1' },
}

describe.each(FILES)('the example %s', (name) => {
  const text = readFileSync(join(EXAMPLES, name), 'utf8')

  it('is good as it stands', async () => {
    const { ok, lines } = await checkConfig({ file: name, environment: KEYS[name] ?? {}, baseDir: EXAMPLES })
    expect({ ok, fault: ok ? '' : lines.join('\n') }).toEqual({ ok: true, fault: '' })
  })

  it('is short, says first what it is for, and is in the list', () => {
    const lines = text.split('\n')
    expect(lines.length).toBeLessThanOrEqual(45)
    expect(lines[0]).toBe('# yaml-language-server: $schema=../understudy.schema.json')
    expect(lines[2]).toMatch(/^# [A-Z].*[:.]/)
    expect(README).toContain(`[${name.replace('.yaml', '')}](${name})`)
  })
})

it('an example that cannot work without keys says which are missing', async () => {
  for (const [name, keys] of Object.entries(KEYS)) {
    const { ok, lines } = await checkConfig({ file: name, environment: {}, baseDir: EXAMPLES })
    expect(ok).toBe(false)
    const missing = Object.keys(keys).map((key) => expect.stringContaining(`expected the environment variable ${key}`))
    // Nothing else: that a judge has no key then is no fault of its own.
    expect(lines).toEqual([...missing, expect.stringContaining('nothing was applied')])
  }
})

it('the first hour is short, and names only what its policy has', () => {
  const walk = readFileSync(join(EXAMPLES, 'first-hour.md'), 'utf8')
  const policy = readFileSync(join(EXAMPLES, 'first-hour.yaml'), 'utf8')
  expect(walk.split('\n').length).toBeLessThan(120)
  const asked = [...walk.matchAll(/npx understudy (shadow|rollout|weights) ([a-z]+) ?([a-z-]*)/g)]
  const named = new Set(asked.flatMap(([, of = '', , name = '']) => (name === '' ? [] : [`${of} ${name}`])))
  expect([...named].toSorted()).toEqual(['rollout cheaper', 'shadow cheaper', 'weights chat'])
  for (const section of ['routes:\n  chat:', 'shadows:\n  cheaper:', 'rollouts:\n  cheaper:']) {
    expect(policy).toContain(section)
  }
  expect(README).toContain('[the first hour](first-hour.md)')
})

it('the list names no example that is not there', () => {
  const named = [...README.matchAll(/\]\(([\w-]+\.yaml)\)/g)].map((match) => match[1] ?? '')
  expect(named.toSorted()).toEqual(FILES)
})

it('the scenarios of the simulator are listed, each with a reason that rows can hold', () => {
  const rows = [...README.matchAll(/^\| `([\w-]+)` \| .* \| `(\w+)`.* \|$/gm)]
  expect(rows.map((row) => row[1])).toEqual([...SCENARIO_NAMES])
  for (const row of rows) expect(FALLBACK_TRIGGERS).toContain(row[2])
})
