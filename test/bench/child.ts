import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { pidsOf } from './process-tree.ts'

/** A process that the bench started, and alone may end. */
export type Child = {
  readonly pid: number
  readonly process: ChildProcess
  /** Asks it to end, and ends it and all it started when it has not after `graceMs`. */
  readonly stop: (graceMs?: number) => Promise<void>
  /** Its last output, for the message when it does not come up. */
  readonly output: () => string
}

export type Command = {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Whether processes can be held to one core each; without it the figures hold only for an idle machine. */
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** Core of the contender, and core of the load and the upstream. */
export const CORE = { contender: 0, load: 1 } as const

/** Starts `command` on `core`, on any where that is undefined. The bench talks with its own processes over `ipc`. */
export function startChild(
  command: Command,
  core: number | undefined,
  options: { readonly ipc?: boolean; readonly cwd?: string } = {},
): Child {
  const argv = [
    ...(canPin && core !== undefined ? ['taskset', '-c', String(core)] : []),
    command.command,
    ...command.args,
  ]
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? ['ipc' as const] : [])],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-8000)
    })
  }
  const pid = child.pid
  if (pid === undefined) throw new Error(`could not start ${argv.join(' ')}`)
  child.on('error', (error) => {
    output += error.message
  })
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null

  async function stop(graceMs = 15_000): Promise<void> {
    if (isGone()) return
    child.kill('SIGTERM')
    await Promise.race([once(child, 'exit'), sleep(graceMs, undefined, { ref: false })])
    if (isGone()) return
    for (const member of pidsOf(pid ?? 0)) {
      try {
        process.kill(member, 'SIGKILL')
      } catch {
        // It went by itself.
      }
    }
    await once(child, 'exit')
  }
  return { pid, process: child, stop, output: () => output }
}
