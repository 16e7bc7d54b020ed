import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { connectionCap } from '../../src/compose/connection-cap.ts'
import { aSimulator } from '../fakes/a-simulator.ts'
import { ask } from '../fakes/ask.ts'
import { startProxy } from '../fakes/proxy.ts'

// Seen: a process without a file descriptor left answered those who were connected and lost their rows.

const simulator = aSimulator()
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

async function silent(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

it('closes the connection too many and says so, and serves who comes when there is room', async () => {
  let refused = 0
  const proxy = await startProxy(simulator().url, {
    stages: { maxConnections: 3, onConnectionRefused: () => refused++ },
  })
  const held = [await silent(proxy.port), await silent(proxy.port), await silent(proxy.port)]
  const extra = await silent(proxy.port)
  await once(extra, 'close')
  expect(refused).toBe(1)
  held[0]?.destroy()
  await expect
    .poll(() => ask(proxy.port, '/openai/v1/models', { headers: { authorization: 'Bearer sk-test' } }))
    .toMatchObject({ status: 200 })
  expect((await proxy.recorded(1)).map(({ outcome }) => outcome)).toEqual(['completed'])
  await proxy.close()
})

it('leaves descriptors for a call to a provider each, and for what records them', () => {
  for (const descriptors of [64, 256, 1024, 20_000]) {
    expect(2 * connectionCap(descriptors)).toBeLessThanOrEqual(descriptors - Math.min(384, descriptors / 2))
  }
  expect(connectionCap(1024)).toBe(320)
  expect(connectionCap(Infinity)).toBe(Infinity)
  expect(connectionCap(1)).toBe(1)
})
