import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli, startCli } from '../fakes/run-cli.ts'

let temporary: string
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'understudy-demo-test-'))
})
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

it('the demo finds every request of its SDKs in ClickHouse, shows them, and leaves nothing behind', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--act', 'calls', '-n', '80'], {
    environment: { TMPDIR: temporary },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [, sent, recorded] = /^sent (\d+), recorded (\d+)$/m.exec(stdout) ?? []
  expect(Number(sent)).toBeGreaterThan(80) // the SDKs retry
  expect(recorded).toBe(sent)
  for (const title of ['Per model', 'Per team', 'Outcomes', 'One call in full']) expect(stdout).toContain(`\n${title}`)
  const outcomes = [
    'completed +200',
    'cancelled +200',
    'interrupted +200 +upstream_cut',
    'refused +404',
    'refused +429',
    'refused +503',
  ]
  for (const outcome of outcomes) expect(stdout).toMatch(new RegExp(`^  ${outcome}`, 'm'))
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(readdirSync(temporary)).toEqual([])
})

it('the demo stops at once on Ctrl-C and leaves nothing behind', async () => {
  const child = startCli(['demo', '--act', 'calls', '-n', '5000'], { environment: { TMPDIR: temporary } })
  const ended = once(child, 'close')
  const said = text(child.stderr ?? process.stdin)
  if (child.stdout !== null) await once(child.stdout, 'data')
  child.kill('SIGINT')
  expect(await ended).toEqual([1, null])
  expect(await said).toContain('understudy: stopped')
  expect(readdirSync(temporary)).toEqual([])
})

it('the demo says what to do where the SDKs are not installed', async () => {
  const hide = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name === '@anthropic-ai/sdk') throw new Error('Cannot find package')
      return next(name, context)
    } })`
  const node = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(hide)}`] as const
  const { code, stdout, stderr } = await runCli(['demo'], { node, environment: { TMPDIR: temporary } })
  expect(stderr).toMatch(/official SDKs, which are not installed: run `npm ci` without --omit=dev/)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})

it('the demo leaves its directory behind when told to, and says where', async () => {
  const { code, stdout } = await runCli(['demo', '--act', 'calls', '-n', '8', '--keep'], {
    environment: { TMPDIR: temporary },
  })
  const dir = /^Config, log and data stay in (.+)$/m.exec(stdout)?.[1] ?? ''
  expect(readdirSync(dir)).toEqual(expect.arrayContaining(['understudy.yaml', 'proxy.log', 'clickhouse', 'spool']))
  expect(code).toBe(0)
})
