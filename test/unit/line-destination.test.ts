import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLineDestination } from '../../src/telemetry/line-destination.ts'

const modulePath = new URL('../../src/telemetry/line-destination.ts', import.meta.url).href

async function aFile(): Promise<{ path: string; fd: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'understudy-log-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'out.log')
  return { path, fd: openSync(path, 'w') }
}

describe('the destination of log lines', () => {
  it('writes every line once and in order, whether few or many', async () => {
    const { path, fd } = await aFile()
    const destination = openLineDestination(fd)
    const lines = Array.from({ length: 5_000 }, (_, index) => `{"line":${index},"é":"${'x'.repeat(50)}"}\n`)
    for (const line of lines) destination.write(line)
    await destination.close()
    expect(await readFile(path, 'utf8')).toBe(lines.join(''))
    expect(destination.droppedLines()).toBe(0)
  })

  it('has everything on disk when flushSync returns', async () => {
    const { path, fd } = await aFile()
    const destination = openLineDestination(fd)
    destination.write('last words\n')
    destination.flushSync()
    expect(await readFile(path, 'utf8')).toBe('last words\n')
    await destination.close()
    await destination.close()
  })

  it('costs lines, counted, but never memory when nobody reads', async () => {
    // A pipe that is full takes no more; 30 MB into 8 MB of buffer must drop the rest.
    const script = `
      import { openLineDestination } from ${JSON.stringify(modulePath)}
      const destination = openLineDestination(1)
      const line = 'x'.repeat(999) + '\\n'
      for (let index = 0; index < 30_000; index++) destination.write(line)
      process.stderr.write(String(destination.droppedLines()))
      process.stderr.end(() => process.kill(process.pid, 'SIGKILL'))
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [said] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect(Number(said)).toBeGreaterThan(15_000)
    expect(Number(said)).toBeLessThan(30_000)
  })

  it('outlives a reader that goes away', async () => {
    const script = `
      import { openLineDestination } from ${JSON.stringify(modulePath)}
      const destination = openLineDestination(1)
      process.stdin.once('data', async () => {
        for (let index = 0; index < 50; index++) {
          destination.write('x'.repeat(20_000) + '\\n')
          await new Promise((resolve) => setImmediate(resolve))
        }
        await destination.close()
        process.stderr.write('alive')
        process.exit(0)
      })
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    child.stdout.destroy()
    child.stdin.end('go')
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect({ said, code }).toEqual({ said: 'alive', code: 0 })
  })

  it('does not keep a process from ending when nobody reads', async () => {
    const script = `
      import { openLineDestination } from ${JSON.stringify(modulePath)}
      const destination = openLineDestination(1)
      for (let index = 0; index < 1_000; index++) destination.write('x'.repeat(999) + '\\n')
      await destination.close()
      process.stderr.end('closed', () => process.kill(process.pid, 'SIGKILL'))
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    expect(await text(child.stderr)).toBe('closed')
  })

  it('outlives a full disk', async () => {
    // /dev/full refuses every write as a full disk does; an error that nobody handles would fail this run.
    const destination = openLineDestination(openSync('/dev/full', 'w'))
    destination.write(`${'x'.repeat(20_000)}\n`)
    destination.write(`${'x'.repeat(20_000)}\n`)
    await expect(destination.close()).resolves.toBeUndefined()
  })

  it.each([
    ['an ordinary exit', ''],
    ['an exit on the spot, with a batch on its way', 'process.exit()'],
  ])('loses nothing and keeps the order at %s', async (_, end) => {
    const script = `
      import { openLineDestination } from ${JSON.stringify(modulePath)}
      const destination = openLineDestination(1)
      process.on('exit', () => destination.flushSync())
      for (let index = 0; index < 2_000; index++) destination.write('line ' + index + '.'.repeat(50) + '\\n')
      ${end}
    `
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    const expected = Array.from({ length: 2_000 }, (_line, index) => `line ${index}${'.'.repeat(50)}\n`)
    expect(stdout).toBe(expected.join(''))
  })

  it('does not keep a process that crashes from ending when the disk is full', async () => {
    const script = `
      import { openSync } from 'node:fs'
      import { openLineDestination } from ${JSON.stringify(modulePath)}
      const destination = openLineDestination(openSync('/dev/full', 'w'))
      for (let index = 0; index < 3_000; index++) destination.write('x'.repeat(99) + '\\n')
      setImmediate(() => {
        destination.flushSync()
        process.stdout.write('ended', () => process.exit(70))
      })
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000)
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    clearTimeout(impatience)
    expect({ said, code }).toEqual({ said: 'ended', code: 70 })
  })
})
