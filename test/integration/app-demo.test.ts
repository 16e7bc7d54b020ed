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
  const { code, stdout, stderr } = await runCli(['demo', '-n', '80'], { environment: { TMPDIR: temporary } })
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
  const child = startCli(['demo', '-n', '5000'], { environment: { TMPDIR: temporary } })
  const ended = once(child, 'close')
  const said = text(child.stderr ?? process.stdin)
  if (child.stdout !== null) await once(child.stdout, 'data')
  child.kill('SIGINT')
  expect(await ended).toEqual([1, null])
  expect(await said).toContain('understudy: stopped')
  expect(readdirSync(temporary)).toEqual([])
})
