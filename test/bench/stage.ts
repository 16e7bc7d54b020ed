import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CORE, startChild, type Child, type Command } from './child.ts'
import type { Contender } from './contenders.ts'
import type { Site } from './site.ts'
import { LoadResult, type LoadOrder } from './load-order.ts'

/** A contender that is up: where it listens, and its process where it has one. */
export type Standing = {
  readonly contender: Contender
  readonly port: number
  readonly adminPort: number
  readonly child: Child | undefined
  /** Header lines that each request to it needs besides. */
  readonly headers: readonly string[]
}

/** A load, but for whom it is sent to. */
export type Load = Omit<LoadOrder, 'port' | 'path' | 'headers'>

/** What the bench stands on: the upstream, the load, and the contenders it has started. */
export type Stage = {
  /** Starts a contender and waits until it answers; a text says why it cannot take part. */
  readonly enter: (contender: Contender, nodeFlags?: readonly string[]) => Promise<Standing | string>
  readonly load: (standing: Standing, order: Load) => Promise<LoadResult>
  /** Ends every process of the stage and removes what they wrote. */
  readonly clear: () => Promise<void>
}

const READY_WITHIN_MS = 60_000

export async function setStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'understudy-bench-'))
  const children: Child[] = []
  let isOver = false
  const begin = (command: Command, core: number | undefined, options?: { ipc?: boolean; cwd?: string }): Child => {
    if (isOver) throw new Error('the bench has been stopped')
    const child = startChild(command, core, options)
    children.push(child)
    return child
  }
  const own = (file: string, ...args: string[]): Command => ({
    command: process.execPath,
    args: [fileURLToPath(new URL(file, import.meta.url)), ...args],
  })

  const upstreamPort = await freePort()
  const upstream = begin(own('upstream.ts', '--port', String(upstreamPort)), CORE.load)
  const loader = begin(own('load.ts'), CORE.load, { ipc: true })

  async function enter(contender: Contender, nodeFlags: readonly string[] = []): Promise<Standing | string> {
    const { start } = contender
    if (start === undefined) {
      return { contender, port: upstreamPort, adminPort: upstreamPort, child: undefined, headers: [] }
    }
    if (isOver) throw new Error('the bench has been stopped')
    const own = mkdtempSync(join(directory, 'contender-'))
    const site: Site = {
      port: await freePort(),
      adminPort: await freePort(),
      upstreamPort,
      directory: own,
    }
    const command = start(site, nodeFlags)
    if (typeof command === 'string') return command
    const child = begin(command, contender.usesAllCores === true ? undefined : CORE.contender, { cwd: own })
    await untilReady(child, contender.readyUrl?.(site), site.port)
    return { contender, port: site.port, adminPort: site.adminPort, child, headers: contender.headers?.(site) ?? [] }
  }

  async function load({ contender, port, headers }: Standing, order: Load): Promise<LoadResult> {
    const over = new AbortController()
    const gone = once(loader.process, 'exit', { signal: over.signal }).then(() => {
      throw new Error(`the load process ended: ${loader.output()}`)
    })
    const answer = once(loader.process, 'message', { signal: over.signal })
    loader.process.send({ ...order, port, path: contender.path, headers: [...headers] } satisfies LoadOrder)
    try {
      const [message]: unknown[] = await Promise.race([answer, gone])
      return LoadResult.parse(message)
    } finally {
      // Takes the loser's listeners off; its rejection is of no interest.
      void Promise.allSettled([answer, gone])
      over.abort()
    }
  }

  async function clear(): Promise<void> {
    isOver = true
    await Promise.all(children.map((child) => child.stop()))
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  try {
    await untilReady(upstream, undefined, upstreamPort)
  } catch (error) {
    await clear()
    throw error
  }
  return { enter, load, clear }
}

/** Waits until `url` answers 200, or `port` accepts where there is none. Throws with the child's last words. */
async function untilReady(child: Child, url: string | undefined, port: number): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS
  while (performance.now() < until) {
    if (child.process.exitCode !== null) break
    if (url === undefined ? await accepts(port) : await answers(url)) return
    await sleep(50)
  }
  throw new Error(`${child.process.spawnargs.join(' ')}\ndid not get ready. Its output:\n${child.output()}`)
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port')
  return address.port
}
