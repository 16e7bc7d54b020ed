import { chmod, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { EventEmitter, once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { formatFault } from '../../src/config/fault.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { policyVersion } from '../../src/config/policy-version.ts'
import { type ConfigReloader, type ReloadOutcome, startReloader } from '../../src/config/reload.ts'
import { createCell } from '../../src/domain/cell.ts'
import type { Cell } from '../../src/domain/ports.ts'
import type { RoutingState } from '../../src/domain/state.ts'
import { PROVIDERS } from '../fakes/a-config.ts'

const EFFECT_WITHIN_MS = 2_000
const versionOf = (text: string): string => policyVersion(Buffer.from(text))
const withLevel = (level: string): string => `${PROVIDERS}log: { level: ${level} }\n`
const GOOD = withLevel('info')
const BETTER = withLevel('debug')
const FAULTY = withLevel('loud')

type Running = {
  readonly directory: string
  readonly file: string
  readonly state: Cell<RoutingState>
  readonly reloader: ConfigReloader
  /** Every outcome so far, as `trigger kind`. */
  readonly told: readonly string[]
  /** Waits until `isTrue`, looked at whenever an outcome is told. */
  readonly until: (isTrue: () => boolean) => Promise<void>
}

async function running(text = GOOD, environment: Record<string, string> = {}): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'understudy-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'u.yaml')
  await writeFile(file, text)
  const source = { file: 'u.yaml', environment, baseDir: directory }
  const loaded = await loadConfig(source)
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'))
  const state = createCell<RoutingState>({ policy: loaded.config.policy, policyVersion: loaded.version })
  const told: string[] = []
  const outcomes = new EventEmitter()
  let clock = 1_000
  const reloader = startReloader({
    source,
    loaded,
    state,
    now: () => (clock += 1),
    onOutcome: (outcome, trigger) => {
      told.push(`${trigger} ${outcome.kind}`)
      outcomes.emit('outcome')
    },
  })
  onTestFinished(reloader.close)
  const until = async (isTrue: () => boolean): Promise<void> => {
    const signal = AbortSignal.timeout(EFFECT_WITHIN_MS)
    while (!isTrue()) await once(outcomes, 'outcome', { signal })
  }
  return { directory, file, state, reloader, told, until }
}

const faultsOf = (outcome: ReloadOutcome): string[] =>
  outcome.kind === 'rejected' ? outcome.faults.map(formatFault) : []
const FAULT = 'u.yaml:5:15 log.level: expected one of debug, info, warn, error, found "loud"'

test('an edit is in force within two seconds, with the version of its bytes', async () => {
  const { file, state, until, reloader } = await running()
  await writeFile(file, BETTER)
  await until(() => state.current().policy.log.level === 'debug')
  expect(state.current().policyVersion).toBe(versionOf(BETTER))
  expect(reloader.status()).toEqual({
    version: versionOf(BETTER),
    appliedAt: 1_002,
    rejected: undefined,
    restartNeeded: [],
  })
})

test('a request that has read the state keeps what it read', async () => {
  const { file, state, until } = await running()
  const read = state.current()
  await writeFile(file, BETTER)
  await until(() => state.current().policyVersion === versionOf(BETTER))
  expect(read.policy.log.level).toBe('info')
  expect(read.policyVersion).toBe(versionOf(GOOD))
})

test('a reload leaves alone what is in the state besides the policy', async () => {
  const { file, state, until } = await running()
  state.swap((previous) => ({ ...previous, learned: 'weights' }))
  await writeFile(file, BETTER)
  await until(() => state.current().policyVersion === versionOf(BETTER))
  expect(state.current()).toMatchObject({ learned: 'weights' })
})

test('a faulty file keeps the last good policy, says what is wrong, and counts once mended', async () => {
  const { file, state, until, reloader, told } = await running()
  const before = state.current()
  await writeFile(file, FAULTY)
  await until(() => told.includes('file rejected'))
  expect(state.current()).toBe(before)
  expect(reloader.status().version).toBe(versionOf(GOOD))
  expect(reloader.status().rejected?.faults.map(formatFault)).toEqual([FAULT])
  await writeFile(file, BETTER)
  await until(() => state.current().policyVersion === versionOf(BETTER))
  expect(reloader.status().rejected).toBeUndefined()
})

test('taking a faulty edit back clears the faults without a new policy', async () => {
  const { file, state, until, reloader, told } = await running()
  const before = state.current()
  await writeFile(file, FAULTY)
  await until(() => told.includes('file rejected'))
  await writeFile(file, GOOD)
  await until(() => told.includes('file unchanged'))
  expect(reloader.status().rejected).toBeUndefined()
  expect(state.current()).toBe(before)
})

test('a file that vanishes keeps the last good policy and counts again when it is back', async () => {
  const { directory, file, state, until, reloader, told } = await running()
  await rename(file, join(directory, 'away'))
  await until(() => told.includes('file rejected'))
  expect(reloader.status().rejected?.faults.map(formatFault)).toEqual([
    'u.yaml:1:1 expected a file that can be read, found that there is none',
  ])
  await writeFile(join(directory, 'away'), BETTER)
  await rename(join(directory, 'away'), file)
  await until(() => state.current().policyVersion === versionOf(BETTER))
})

test('a signal reads the file at once, and says again what is still wrong', async () => {
  const { file, reloader, told } = await running()
  expect(await reloader.reload()).toEqual({ kind: 'unchanged', version: versionOf(GOOD), restartNeeded: [] })
  await writeFile(file, FAULTY)
  expect(faultsOf(await reloader.reload())).toEqual([FAULT])
  expect(faultsOf(await reloader.reload())).toEqual([FAULT])
  expect(told.slice(0, 3)).toEqual(['signal unchanged', 'signal rejected', 'signal rejected'])
})

test('keys that are fixed at start are named until they are as they were, and the rest applies', async () => {
  const { file, state, reloader } = await running()
  const moved = `${BETTER}listen: 127.0.0.1:1\nworkers: 4\nadmin: { token: t }\nstore: none\ndata_dir: other\nspool: { max_size: 5GB }\nshutdown_deadline: 1s\ndecider: { tick: 1s, speed: 60 }\n`
  await writeFile(file, moved)
  const keys =
    'listen workers admin.token data_dir store spool.max_size shutdown_deadline decider.tick decider.speed'.split(' ')
  expect(await reloader.reload()).toEqual({ kind: 'applied', version: versionOf(moved), restartNeeded: keys })
  expect(reloader.status().restartNeeded).toEqual(keys)
  expect(state.current().policy.log.level).toBe('debug')
  await writeFile(file, GOOD)
  expect(await reloader.reload()).toMatchObject({ kind: 'applied', restartNeeded: [] })
  expect(reloader.status().restartNeeded).toEqual([])
})

test('an applied text is in the file and in force when the call returns, once', async () => {
  const { directory, file, state, reloader, told } = await running()
  let swaps = 0
  state.subscribe(() => (swaps += 1))
  expect(await reloader.apply(BETTER)).toEqual({ kind: 'applied', version: versionOf(BETTER), restartNeeded: [] })
  expect(state.current().policy.log.level).toBe('debug')
  expect(await readFile(file, 'utf8')).toBe(BETTER)
  expect(await readdir(directory)).toEqual(['u.yaml'])
  expect(await reloader.apply(BETTER)).toMatchObject({ kind: 'unchanged' })
  await reloader.reload()
  expect(swaps).toBe(1)
  expect(told).toContain('admin applied')
})

test('a faulty text changes neither the file nor the policy nor what is known of the file', async () => {
  const { file, state, reloader } = await running()
  const before = state.current()
  expect(faultsOf(await reloader.apply(FAULTY))).toEqual([FAULT])
  expect(await readFile(file, 'utf8')).toBe(GOOD)
  expect(state.current()).toBe(before)
  expect(reloader.status().rejected).toBeUndefined()
})

test('an applied text mends a faulty file, also by the policy that is in force already', async () => {
  const { file, reloader } = await running()
  await writeFile(file, FAULTY)
  await reloader.reload()
  expect(await reloader.apply(GOOD)).toMatchObject({ kind: 'unchanged' })
  expect(await readFile(file, 'utf8')).toBe(GOOD)
  expect(reloader.status().rejected).toBeUndefined()
})

test('an applied text keeps the mode of the file and the symlink to it', async () => {
  const { directory, file, reloader } = await running()
  await rename(file, join(directory, 'real.yaml'))
  // More than a usual umask lets a new file have.
  await chmod(join(directory, 'real.yaml'), 0o660)
  await symlink('real.yaml', file)
  await reloader.apply(BETTER)
  expect(await readlink(file)).toBe('real.yaml')
  expect(await readFile(file, 'utf8')).toBe(BETTER)
  expect((await stat(file)).mode & 0o777).toBe(0o660)
})

test('a text that cannot be written is not applied', async () => {
  const { directory, state, reloader } = await running()
  const before = state.current()
  await rm(directory, { recursive: true })
  expect(await reloader.apply(BETTER)).toEqual({ kind: 'unwritable', code: 'ENOENT', isIntact: true })
  expect(state.current()).toBe(before)
})

test('texts applied at the same time end as one of them, in the file as in force', async () => {
  const { file, state, reloader } = await running()
  const texts = ['debug', 'warn', 'error', 'info'].map((level) => `${withLevel(level)}# ${level}\n`)
  await Promise.all(texts.map((text) => reloader.apply(text)))
  expect(await readFile(file, 'utf8')).toBe(texts.at(-1))
  expect(state.current().policyVersion).toBe(versionOf(texts.at(-1) ?? ''))
})

test('what a variable held at the start it holds at every reload', async () => {
  const keyed = (comment: string): string => `${PROVIDERS}    api_key: \${KEY}\n# ${comment}\n`
  const { file, state, reloader } = await running(keyed('a'), { KEY: 'server-key' })
  await writeFile(file, keyed('b'))
  expect(await reloader.reload()).toMatchObject({ kind: 'applied' })
  expect(state.current().policy.providers.get('openai')?.apiKey).toBe('server-key')
})
