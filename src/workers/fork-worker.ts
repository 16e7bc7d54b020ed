import { fork } from 'node:child_process'
import { isFromWorker } from './messages.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** A worker process, as its primary sees it. */
export type WorkerProcess = {
  readonly pid: number
  /** To a process that is gone: nothing. */
  readonly send: (message: ToWorker) => void
  readonly kill: () => void
}

export type WorkerEvents = {
  readonly onMessage: (message: FromWorker) => void
  /** `how`: its exit code or the signal that ended it. All of its log has been told before. */
  readonly onExit: (how: string) => void
  /** What it writes to stderr, which is its log. */
  readonly onLog: (bytes: Buffer) => void
}

/** Starts the file `main` as a worker. Signals and the terminal are the primary's, so it gets no standard input. */
export function forkWorker(main: string, events: WorkerEvents): WorkerProcess {
  const child = fork(main, [], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
  child.on('message', (message: unknown) => {
    if (isFromWorker(message)) events.onMessage(message)
  })
  let isGone = false
  const gone = (how: string): void => {
    if (isGone) return
    isGone = true
    events.onExit(how)
  }
  // After its exit, once its output is read to the end.
  child.once('close', (code, signal) => gone(signal ?? `exit code ${code}`))
  // Without a process there is no exit; with one, a broken pipe is followed by it.
  child.on('error', (error) => child.pid === undefined && gone(error.message))
  child.stderr?.on('data', events.onLog)
  return {
    pid: child.pid ?? 0,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
