import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { createCapture } from '../../src/gateway/capture.ts'
import { CHAT_BEGUN } from '../fakes/begun-streams.ts'

it('what throws while a compressed answer is decoded is told, and does not end the process', async () => {
  const bug = new Error('a bug')
  const told = await new Promise((resolve) => {
    const onToken = (): never => {
      throw bug
    }
    createCapture('chat_completions', 'events', 'gzip', { onToken, onBug: resolve }).feed(gzipSync(CHAT_BEGUN))
  })
  expect(told).toBe(bug)
})

it('what throws while a plain answer is read comes out where it was fed', () => {
  const onToken = (): never => {
    throw new Error('a bug')
  }
  const capture = createCapture('chat_completions', 'events', '', { onToken, onBug: () => expect.unreachable() })
  expect(() => capture.feed(Buffer.from(CHAT_BEGUN))).toThrow('a bug')
})
