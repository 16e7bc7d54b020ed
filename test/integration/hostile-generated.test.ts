import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { heldNow, sendBatch, sendGenerated } from '../fakes/hostile-run.ts'
import { startHostileStage } from '../fakes/hostile-stage.ts'
import type { HostileStage } from '../fakes/hostile-stage.ts'

/** Fixed, so that a run tells something about a change; `test/long/hostile.test.ts` takes another one each time. */
const SEED = 20_261_120
const GENERATED = 10_000

const MB = 1024 * 1024

let stage: HostileStage
beforeAll(async () => {
  stage = await startHostileStage()
})
afterAll(() => stage.close())

it('10 000 malformed requests: none crashes, hangs, leaks, is lost or reaches the upstream as another', async () => {
  await sendGenerated(stage, 1_000, SEED + 1)
  const before = heldNow()
  await sendGenerated(stage, GENERATED - 1_000, SEED)
  const after = heldNow()
  expect(after.heapBytes - before.heapBytes).toBeLessThan(12 * MB)
  expect(after.handles - before.handles).toBeLessThan(40)
}, 240_000)

const CHUNKED = Buffer.from(
  'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n6;x=y\r\n{"mode\r\n7\r\nl":"m"}\r\n0\r\nX-T: 1\r\n\r\n',
)
const UPLOAD = Buffer.from(
  'POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: 30\r\n\r\n123456789012345678901234567890',
)
const HANDSHAKE = Buffer.from(
  'GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
)

it.each([
  ['a chunked model call', CHUNKED],
  ['an upload', UPLOAD],
  ['a WebSocket handshake', HANDSHAKE],
])('a client that goes away or goes quiet at any byte of %s leaves one record and nothing else', async (_, whole) => {
  const cut = Array.from({ length: whole.length }, (_value, length) => whole.subarray(0, length + 1))
  const left = await sendBatch(stage, cut, () => true)
  expect(left.filter((record) => !isCompleted(record) && record.outcome !== 'cancelled')).toEqual([])
  // Only the whole one can be answered; the others are told that their time is up, or never were a request.
  const waited = await sendBatch(stage, cut, () => false)
  expect(waited.filter(isCompleted)).toHaveLength(1)
  expect(waited.filter((record) => !isCompleted(record) && record.error !== 'body_timeout')).toEqual([])
})

function isCompleted({ outcome }: Exchange): boolean {
  return outcome === 'completed'
}
