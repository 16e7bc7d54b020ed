import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkConfig } from '../../src/config/check.ts'
import { renderJsonSchema } from '../../src/config/json-schema.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { fileSchema } from '../../src/config/schema.ts'
import { leafPaths } from '../../src/config/schema-path.ts'
import { parseYaml, type YamlNode } from '../../src/config/yaml-tree.ts'
import { configOf, faultsOf } from '../fakes/a-config.ts'

const CONFIG = resolve(import.meta.dirname, '../../config')
const shipped = (name: string): string => readFileSync(join(CONFIG, name), 'utf8')

/** Mappings whose keys are the operator's own. */
const NAMED_AT_TOP = [
  'providers',
  'routes',
  'aliases',
  'models',
  'shadows',
  'rollouts',
  'audits',
  'quality.minimum',
  'judge.parameters',
  'content.providers',
  'content.routes',
  'content.redact.patterns',
]
const NAMED = ['headers', 'paths', 'tags', 'quality_margin_by_task']

/** Paths of all values, with `*` for names and indexes, as `leafPaths` has them. */
function pathsIn(node: YamlNode, path: readonly string[] = []): string[] {
  if (node.kind === 'scalar') return [path.join('.')]
  if (node.kind === 'list') return node.items.flatMap((item) => pathsIn(item, [...path, '*']))
  const isNamed = NAMED_AT_TOP.includes(path.join('.')) || NAMED.includes(path.at(-1) ?? '')
  return node.entries.flatMap((entry) => pathsIn(entry.node, [...path, isNamed ? '*' : entry.key]))
}

/** The example with the lines for a ClickHouse server in place of those for the embedded one. */
function exampleWithServer(): string {
  return shipped('understudy.example.yaml')
    .replace('kind: embedded', 'kind: url')
    .replace(/^ {2}(port|max_memory): .*\n/gm, '')
    .replace(/^ {2}# (url|username|password|database|cluster|read_token): /gm, '  $1: ')
    .replace('${UNDERSTUDY_ADMIN_TOKEN:-}', 'a-token')
}

test('the default config is good without any environment', () => {
  const { boot, policy } = configOf(shipped('understudy.yaml'))
  expect(boot.store.kind).toBe('embedded')
  expect([...policy.providers.values()].map((p) => [p.name, p.dialect, p.baseUrl.href, p.apiKey])).toEqual([
    ['openai', 'openai', 'https://api.openai.com/', undefined],
    ['anthropic', 'anthropic', 'https://api.anthropic.com/', undefined],
    ['gemini', 'gemini', 'https://generativelanguage.googleapis.com/', undefined],
  ])
})

test('the example is good without any environment, and so it is with its commented lines', () => {
  expect(faultsOf(shipped('understudy.example.yaml'))).toEqual([])
  const { boot } = configOf(exampleWithServer(), { UNDERSTUDY_READ_TOKEN: 'r', CLICKHOUSE_PASSWORD: 'p' })
  expect(boot.store).toEqual({
    kind: 'url',
    url: 'http://clickhouse:8123',
    username: 'default',
    password: 'p',
    database: 'understudy',
  })
  expect(boot.admin).toMatchObject({ token: 'a-token', readToken: 'r' })
})

test('the example shows every key there is', () => {
  const shown = new Set(
    [shipped('understudy.example.yaml'), exampleWithServer()].flatMap((text) => {
      const { root } = parseYaml(text)
      return root === undefined ? [] : pathsIn(root)
    }),
  )
  const known = leafPaths(fileSchema).map((path) =>
    path
      .join('.')
      .replace('.rules.*.when.', '.match.')
      .replace('shadows.*.match.', 'routes.*.match.')
      .replace(/^rollouts\.\*\.steps\.\*\.(?!percent)/, 'rollouts.*.shadow.'),
  )
  expect(known.filter((path) => !shown.has(path))).toEqual([])
})

test('the values of the example are the defaults wherever there is one', () => {
  const { boot, policy } = configOf(shipped('understudy.example.yaml'))
  const defaults = configOf(shipped('understudy.yaml'))
  expect(boot).toEqual(defaults.boot)
  expect({ limits: policy.limits, retention: policy.retention, log: policy.log }).toEqual({
    limits: defaults.policy.limits,
    retention: defaults.policy.retention,
    log: defaults.policy.log,
  })
  expect({ ...policy.providers.get('openai'), headers: new Map() }).toEqual(defaults.policy.providers.get('openai'))
})

test('the JSON Schema for editors is the one the code means', () => {
  // If this fails: npm run schema
  expect(shipped('understudy.schema.json')).toBe(renderJsonSchema())
})

test('a file that is not there, not a file or not text is a fault like any other', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'latin1.yaml'), Buffer.from([0x6c, 0xe4, 0x0a]))
  const lines = async (file: string): Promise<readonly string[]> =>
    (await checkConfig({ file, environment: {}, baseDir: directory })).lines
  expect(await lines('none.yaml')).toEqual([
    'none.yaml:1:1 expected a file that can be read, found that there is none',
    'none.yaml has one fault; nothing was applied.',
  ])
  expect((await lines('.'))[0]).toBe('.:1:1 expected a file that can be read, found a directory')
  expect((await lines('latin1.yaml'))[0]).toBe('latin1.yaml:1:1 expected UTF-8 text, found bytes that are not')
})

test('check says what a good file means', async () => {
  const { ok, lines } = await checkConfig({ file: 'understudy.yaml', environment: {}, baseDir: CONFIG })
  expect(ok).toBe(true)
  expect(lines).toEqual([
    expect.stringMatching(/^understudy\.yaml is good: policy [0-9a-f]{16}$/),
    '  data port   127.0.0.1:8787',
    '  admin port  127.0.0.1:8788, no token: this machine only',
    `  data dir    ${join(CONFIG, '.understudy')}, spool up to 4GB`,
    '  store       embedded ClickHouse, port 8123, memory up to 2GB',
    "  provider    openai (openai) https://api.openai.com, the client's own key, first byte within 10m",
    "  provider    anthropic (anthropic) https://api.anthropic.com, the client's own key, first byte within 10m",
    "  provider    gemini (gemini) https://generativelanguage.googleapis.com, the client's own key, first byte within 10m",
    '  content     prompts and answers are not stored',
    '  prices      0 of your own',
  ])
})

test('check says what is tried beside live traffic, and who judges it', async () => {
  const said = async (name: string): Promise<readonly string[]> => {
    const source = { file: `examples/${name}.yaml`, environment: { OPENAI_API_KEY: 'sk-1' }, baseDir: CONFIG }
    return (await checkConfig(source)).lines
  }
  const judge = '  judge       openai/gpt-5.1, of 100% of the pairs and 0% of live answers'
  const shadow = '  shadow      cheaper-chat: 50% of what it matches also to openai/gpt-4o-mini'
  expect(await said('shadow')).toEqual(expect.arrayContaining([shadow, judge]))
  expect(await said('audit')).toContainEqual(expect.stringMatching(/^ {2}audit {7}\w+: .*golden\.jsonl, every 1h$/))
  const rollout = await said('rollout')
  expect(rollout).toContain(judge)
  expect(rollout.filter((line) => line.startsWith('  shadow '))).toEqual([])
  const hour = await said('first-hour')
  expect(hour).toContain('  shadow      cheaper: 50% of what it matches also to openai/sim-worthy; off')
})

test('a byte order mark and line ends of another system change nothing but the version', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'a.yaml'), `\uFEFF${shipped('understudy.yaml').replaceAll('\n', '\r\n')}`)
  const load = (file: string, baseDir: string): ReturnType<typeof loadConfig> =>
    loadConfig({ file, environment: {}, baseDir })
  const [marked, plain] = [await load('a.yaml', directory), await load('understudy.yaml', CONFIG)]
  if ('faults' in marked || 'faults' in plain) throw new Error('expected both to be good')
  expect(marked.config.policy).toEqual(plain.config.policy)
  expect(marked.version).not.toBe(plain.version)
})

test('a file that asks for more than any config needs is refused, not built', () => {
  // Each line ten times the one before: a billion values in eight lines.
  const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let line = 1; line < 9; line++) {
    laughs.push(`a${line}: &a${line} [${Array.from({ length: 10 }, () => `*a${line - 1}`).join(', ')}]`)
  }
  expect(faultsOf(laughs.join('\n')).some((line) => line.includes('at most 20000 values'))).toBe(true)
  expect(faultsOf(`a: ${'['.repeat(100_000)}`)[0]).toContain('u.yaml:1:')
  expect(faultsOf('a: &a\n  b: *a\n').some((line) => line.includes('at most 20000 values in at most 32 levels'))).toBe(
    true,
  )
  expect(faultsOf('x'.repeat(1_000_001))).toEqual([
    'u.yaml:1:1 expected a config file of at most 1000000 characters, found 1000001',
  ])
})
