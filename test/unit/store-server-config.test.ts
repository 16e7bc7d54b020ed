import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { explainFailedStart } from '../../src/store/embedded/launch-failure.ts'
import { keptPassword } from '../../src/store/embedded/passwords.ts'
import { serverConfigXml, usersConfigXml } from '../../src/store/embedded/server-config.ts'

const config = {
  dir: '/data/<a> & "b"',
  port: 8123,
  maxMemoryBytes: 1_500_000_000,
  maxThreads: 2,
  database: 'understudy',
  appPassword: 'the-app-password',
  roPassword: 'the-ro-password',
}

function inTempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-config-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

test('the embedded server listens on loopback only', () => {
  const hosts = [...serverConfigXml(config).matchAll(/<listen_host>(.*?)<\/listen_host>/g)].map((match) => match[1])
  expect(hosts).toEqual(['127.0.0.1'])
  const networks = [...usersConfigXml(config).matchAll(/<networks>(.*?)<\/networks>/g)].map((match) => match[1])
  expect(networks).toEqual(['<ip>127.0.0.1</ip>', '<ip>127.0.0.1</ip>', '<ip>127.0.0.1</ip>'])
})

test('a directory name cannot break the config file', () => {
  expect(serverConfigXml(config)).toContain('<log>/data/&lt;a&gt; &amp; &quot;b&quot;/clickhouse.log</log>')
})

test('passwords are in the config file as hashes only', () => {
  const users = usersConfigXml(config)
  expect(users).not.toContain('the-app-password')
  expect(users).not.toContain('the-ro-password')
  expect(users).toContain(createHash('sha256').update('the-app-password').digest('hex'))
})

test('the read-only password is made once, kept, and readable by its owner alone', () => {
  const file = join(inTempDir(), 'deeper', 'ro-password')
  const first = keptPassword(file)
  expect(first.length).toBeGreaterThanOrEqual(24)
  expect(keptPassword(file)).toBe(first)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a password file that a crash left empty is filled again', () => {
  const file = join(inTempDir(), 'ro-password')
  writeFileSync(file, '')
  const made = keptPassword(file)
  expect(readFileSync(file, 'utf8').trim()).toBe(made)
  expect(made).not.toBe('')
})

const failedStart = { exitCode: 0, lastWords: '', dataDir: '/nowhere', logFile: '/log', waitedMs: undefined }

test('a start that failed for lack of an optional package says which one and what else to do', () => {
  const noEngine = explainFailedStart({ ...failedStart, exitCode: 3 })
  expect(noEngine).toMatchObject({ reason: 'not_installed', isFinal: true })
  expect(noEngine.detail).toMatch(/npm i chdb.*store/)
  expect(explainFailedStart({ ...failedStart, exitCode: 4 }).detail).toMatch(/npm i ffi-rs/)
})

test('a start that failed silently points to the log', () => {
  const failure = explainFailedStart(failedStart)
  expect(failure).toMatchObject({ reason: 'failed', isFinal: false })
  expect(failure.detail).toContain('/log')
})

test('a server that stayed silent is told apart from one that died', () => {
  expect(explainFailedStart({ ...failedStart, waitedMs: 60_000 })).toMatchObject({ reason: 'no_answer' })
})
