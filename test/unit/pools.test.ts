import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createPools } from '../../src/upstream/pools.ts'
import { aPolicy, aProvider } from '../fakes/a-provider.ts'

it('closing cuts a call that still runs on a pool which a reload has let go', async () => {
  const server = createServer(() => undefined) // never answers
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => server.closeAllConnections())
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const provider = aProvider({ baseUrl: new URL(`http://127.0.0.1:${port}`) })
  const pools = createPools()
  const connected = once(server, 'connection')
  const arrived = once(server, 'request')
  const ended = pools
    .of(provider)
    .request({ path: '/', method: 'GET' })
    .then(
      () => 'answered',
      (error: unknown) => error,
    )
  const [socket] = (await connected) as [Socket]
  await arrived
  const hungUp = once(socket, 'close')
  pools.retain(aPolicy([]))
  await pools.close()
  expect(await ended).toBeInstanceOf(Error)
  await hungUp
})
