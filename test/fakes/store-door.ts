import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the way to a server is like. `lost_answers`: requests arrive and are done, but the connection breaks before the answer. */
export type Way = 'open' | 'refused' | 'silent' | 'slow' | 'lost_answers'

/** A way to a TCP server that a test can spoil and mend. */
export type StoreDoor = {
  readonly url: string
  /** Holds for connections that exist, too. */
  readonly make: (way: Way) => Promise<void>
  /** Answers that were taken away so far. */
  readonly lostAnswers: () => number
  readonly close: () => Promise<void>
}

const SLOW_MS = 700

/** A door to 127.0.0.1:`targetPort`, on a port that stays the same. Open at first. */
export async function aStoreDoor(targetPort: number): Promise<StoreDoor> {
  const pairs = new Map<Socket, Socket>()
  let way: Way = 'open'
  let lostAnswers = 0
  let server: Server | undefined

  const carry = async (chunk: Buffer, inner: Socket, outer: Socket): Promise<void> => {
    if (way === 'lost_answers') {
      lostAnswers += 1
      inner.destroy()
      outer.destroy()
      return
    }
    if (way === 'silent') return
    if (way === 'slow') await sleep(SLOW_MS)
    if (!outer.destroyed) outer.write(chunk)
  }
  const welcome = (outer: Socket): void => {
    const inner = connect(targetPort, '127.0.0.1')
    pairs.set(outer, inner)
    outer.on('error', () => inner.destroy()).on('close', () => (pairs.delete(outer), inner.destroy()))
    inner.on('error', () => outer.destroy()).on('close', () => outer.destroy())
    outer.on('data', (chunk: Buffer) => (way === 'silent' ? undefined : inner.write(chunk)))
    inner.on('data', (chunk: Buffer) => void carry(chunk, inner, outer))
  }
  const open = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const opened = createServer(welcome)
      server = opened
      opened.once('error', reject)
      opened.listen(port, '127.0.0.1', () => {
        const address = opened.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  const shut = async (): Promise<void> => {
    const shutting = server
    server = undefined
    if (shutting === undefined) return
    const closed = new Promise((resolve) => shutting.close(resolve))
    for (const [outer, inner] of pairs) {
      outer.destroy()
      inner.destroy()
    }
    await closed
  }
  const port = await open(0)
  return {
    url: `http://127.0.0.1:${port}`,
    make: async (next) => {
      way = next
      if (next === 'refused') await shut()
      else if (server === undefined) await open(port)
    },
    lostAnswers: () => lostAnswers,
    close: shut,
  }
}
