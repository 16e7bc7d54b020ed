import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { ChildOptions } from './spooling-child.ts'

/** A child that spools rows until it is killed. */
export type SpoolingProcess = {
  readonly child: ChildProcess
  /** Ids of the rows that it released, in order. Complete after `kill`. */
  readonly kept: readonly string[]
  readonly droppedRows: () => number
  /** Resolves when `isEnough` says so after a line of output; rejects with what it wrote to stderr if it ends first. */
  readonly until: (isEnough: () => boolean) => Promise<void>
  /** SIGKILL; resolves when it is gone and its last output has been read. */
  readonly kill: () => Promise<void>
}

const CHILD = fileURLToPath(new URL('./spooling-child.ts', import.meta.url))

/**
 * Starts the child; `wrapper` is a command that runs the rest of its arguments under some limit. It is killed at the
 * end of the test, if not before.
 */
export function spoolingProcess(options: ChildOptions, wrapper: readonly string[] = []): SpoolingProcess {
  const [command, ...args] = [...wrapper, process.execPath, CHILD, JSON.stringify(options)]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const kept: string[] = []
  const complaints: string[] = []
  let dropped = 0
  let onLine = () => {}
  const output = createInterface({ input: child.stdout })
  const ended = Promise.all([once(output, 'close'), once(child, 'exit')])
  onTestFinished(() => void child.kill('SIGKILL'))
  output.on('line', (line) => {
    if (line.startsWith('dropped ')) dropped += Number(line.slice('dropped '.length))
    // A kill may cut the last line: that row was released, but nobody was told.
    else if (line.length === 36) kept.push(line)
    onLine()
  })
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk.toString()))
  return {
    child,
    kept,
    droppedRows: () => dropped,
    until: (isEnough) =>
      Promise.race([
        new Promise<void>((resolve) => {
          onLine = () => (isEnough() ? resolve() : undefined)
          onLine()
        }),
        ended.then(() => Promise.reject(new Error(`the child ended: ${complaints.join('')}`))),
      ]),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
