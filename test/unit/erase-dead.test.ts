import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eraseDead } from '../../src/store/erase/erase-dead.ts'
import { aDirectory } from '../fakes/a-spool.ts'

const USER = 'jo "the" o\'neil'
const ROW = JSON.stringify({ user: USER, session: '1' })

it('deletes what was set aside and names the user, of all workers, and nothing else', async () => {
  const dir = aDirectory()
  const write = (path: string, text: string): string => {
    mkdirSync(join(dir, path, '..'), { recursive: true })
    writeFileSync(join(dir, path), text)
    return join(dir, path)
  }
  const theirs = [
    write('dead/traces.1.json', ROW),
    write('worker-2/dead/traces.2.json', JSON.stringify({ reason: 'bad', row: ROW })),
    write('dead/traces.3.torn', `["x",${JSON.stringify(USER)},"un`),
  ]
  const others = [
    write('dead/traces.4.json', JSON.stringify({ user: `${USER}s` })),
    write('dead/traces.5.json', JSON.stringify({ text: `about ${USER}` })),
    write('traces/0199.2.ndjson', ROW),
  ]
  expect(await eraseDead(dir, USER, true)).toBe(3)
  expect(theirs.every((path) => existsSync(path))).toBe(true)
  expect(await eraseDead(dir, USER, false)).toBe(3)
  expect(theirs.some((path) => existsSync(path))).toBe(false)
  expect(others.every((path) => existsSync(path))).toBe(true)
  expect(await eraseDead(join(dir, 'not-there'), USER, false)).toBe(0)
})
