import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Makes the Node that runs say that it is an old one; inherited by nobody, so the pinned one stays what it is. */
const AS_OLD_NODE = [
  '--import',
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`,
]
/** Stands in for src/main.ts: waits for a signal when told to, and then says what it was given. */
const MAIN = `const [command, ...rest]: string[] = process.argv.slice(2)
if (command === 'wait') {
  const timer = setInterval(() => {}, 1000)
  process.on('SIGTERM', () => {
    clearInterval(timer)
    process.exitCode = 7
  })
} else process.exitCode = 3
console.log(JSON.stringify({ node: process.versions.node, command, rest }))
`

let house: string
beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'understudy-bin-'))
  mkdirSync(join(house, 'src'))
  copyFileSync(join(ROOT, 'src/bin.mjs'), join(house, 'src/bin.mjs'))
  writeFileSync(join(house, 'src/main.ts'), MAIN)
  writeFileSync(join(house, 'package.json'), '{ "type": "module" }')
})
afterAll(() => rmSync(house, { recursive: true, force: true }))

it('runs main.ts in its own process when the Node at hand is new enough', async () => {
  const { code, stdout } = await runBin([], ['check', '--strict'])
  expect(JSON.parse(stdout)).toEqual({ node: process.versions.node, command: 'check', rest: ['--strict'] })
  expect(code).toBe(3)
})

it('says what to do when the Node at hand is too old and the pinned one is not installed', async () => {
  const { code, stderr, stdout } = await runBin(AS_OLD_NODE, ['check'])
  expect(stderr).toContain('understudy needs Node 24 or newer')
  expect(stderr).toContain('npm ci')
  expect(stdout).toBe('')
  expect(code).toBe(1)
})

it('hands arguments and exit code through the pinned Node when the one at hand is too old', async () => {
  usePinnedNode()
  const { code, stdout } = await runBin(AS_OLD_NODE, ['check', 'a b'])
  expect(JSON.parse(stdout)).toEqual({ node: process.versions.node, command: 'check', rest: ['a b'] })
  expect(code).toBe(3)
})

it('hands SIGTERM to the pinned Node and waits for it to finish', async () => {
  usePinnedNode()
  const child = spawn(process.execPath, [...AS_OLD_NODE, join(house, 'src/bin.mjs'), 'wait'])
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([7, null])
})

function usePinnedNode(): void {
  rmSync(join(house, 'node_modules'), { recursive: true, force: true })
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'))
}

function runBin(
  flags: readonly string[],
  args: readonly string[],
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...flags, join(house, 'src/bin.mjs'), ...args],
      { cwd: house },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    )
  })
}
