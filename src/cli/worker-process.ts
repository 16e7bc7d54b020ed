import { systemWorld } from '../compose.ts'
import { composeWorker } from '../compose/compose-worker.ts'
import type { Worker } from '../compose/compose-worker.ts'
import { isToWorker } from '../workers/messages.ts'
import type { FromWorker, WorkerStart } from '../workers/messages.ts'
import { allocateYoung } from './allocate-young.ts'
import { dieLoudly } from './die-loudly.ts'

const STDERR_FD = 2

/** What a worker's life is: it does what its primary says, and ends when that is gone. */
function live(): void {
  allocateYoung()
  let worker: Worker | undefined
  let messages: Promise<unknown> = Promise.resolve()

  const send = (message: FromWorker): Promise<void> =>
    new Promise((resolve) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
      else resolve()
    })
  // A terminal and a service manager send them to every process of a group; when to end is the primary's to say.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

  async function begin(start: WorkerStart): Promise<void> {
    try {
      worker = await composeWorker({ start, environment: process.env, world: systemWorld, logFd: STDERR_FD, send })
      dieLoudly(process, worker)
    } catch (error) {
      await send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
      process.exit(1)
    }
  }

  // The primary is gone: the next one wants the spool.
  process.once('disconnect', () => process.exit(1))
  process.on('message', (message: unknown) => {
    if (!isToWorker(message)) return
    if (message.kind === 'start') messages = begin(message.start)
    else if (message.kind === 'stop') {
      // Not in its turn: a start that hangs must not hold it up.
      if (worker === undefined) process.exit(0)
      else void worker.take(message).then(() => process.exit(0))
    } else if (worker === undefined) messages = messages.then(() => worker?.take(message))
    else void worker.take(message)
  })
  void send({ kind: 'hello' })
}

live()
