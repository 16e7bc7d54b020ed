import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startClosedLoop, type Call } from '../fakes/closed-loop.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import { metricSum, until } from '../fakes/workers.ts'

const CHAT: Call = {
  name: 'chat',
  method: 'POST',
  path: '/openai/v1/chat/completions',
  headers: { 'content-type': 'application/json', authorization: 'Bearer sk-test' },
  body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
  outcome: 'completed',
  attempts: 1,
}

it('keeps max_concurrent for the sum of all workers, uses all of it, and lets no worker starve', async () => {
  for (const maxConcurrent of [1, 5, 24]) {
    const provider = await aCountingProvider(10)
    const { home, proxy } = await twoWorkers(provider.url, { max_concurrent: maxConcurrent, max_queued: 1_000 })
    const loop = startClosedLoop(home.port, { clients: 30, calls: [CHAT] })
    await loop.answers(300)
    // On a busy machine calls come slower than they are answered for a while.
    await until(`all ${maxConcurrent} are used`, () => provider.most() >= maxConcurrent)
    await loop.stop()
    expect(loop.failures).toEqual([])
    expect([...loop.ledger.values()].filter(({ status }) => status !== 200)).toEqual([])
    expect(provider.most()).toBe(maxConcurrent)
    // Every client got its turn, at whichever worker its connection is.
    const waited = [...loop.ledger.values()].map(({ durationMs }) => durationMs)
    expect(Math.max(...waited)).toBeLessThan(10_000)
    await until('no call is under way', async () => (await metricSum(proxy, 'understudy_in_flight_requests')) === 0)
  }
})

it('keeps max_queued for the sum of all workers', async () => {
  const provider = await aCountingProvider(60_000)
  const { home, proxy } = await twoWorkers(provider.url, { max_concurrent: 2, max_queued: 3, queue_timeout: '60s' })
  const answers: number[] = []
  const asked = Array.from({ length: 12 }, () =>
    fetch(`${home.url}${CHAT.path}`, { method: 'POST', headers: CHAT.headers ?? {}, body: CHAT.body ?? '' })
      .then(({ status }) => void answers.push(status))
      .catch(() => undefined),
  )
  await until('seven are refused', () => answers.length >= 7)
  await until('three wait', async () => (await metricSum(proxy, 'understudy_queue_depth')) === 3)
  expect(await metricSum(proxy, 'understudy_in_flight_requests')).toBe(2)
  expect(answers).toEqual(Array.from({ length: 7 }, () => 503))
  expect(provider.most()).toBe(2)
  await proxy.end('SIGKILL')
  await Promise.all(asked)
})

it('gives the permits of a killed worker to the others', async () => {
  const provider = await aCountingProvider(20)
  const { home, proxy } = await twoWorkers(provider.url, { max_concurrent: 2, max_queued: 1_000 })
  const loop = startClosedLoop(home.port, { clients: 8, calls: [CHAT] })
  await loop.answers(40)
  const died = proxy.nextLine('worker_died')
  const worker = proxy.lines().find(({ event }) => event === 'worker_serving')
  process.kill(Number(worker?.['pid']), 'SIGKILL')
  await died
  // Only what is under way now can hold a permit; all of it would hang if the killed worker's were lost.
  await loop.answers(80)
  await loop.stop()
  expect(provider.most()).toBe(2)
})

async function twoWorkers(url: string, limits: Readonly<Record<string, unknown>>) {
  const providers = { openai: { dialect: 'openai', base_url: url, limits } }
  const home = await aProxyHome(settingsFor(url, { workers: 2, store: { kind: 'none' }, providers }))
  onTestFinished(() => home.close())
  return { home, proxy: await home.start() }
}

/** Answers each call after `delayMs`, and knows how many it had under way at most. */
async function aCountingProvider(delayMs: number): Promise<{ readonly url: string; readonly most: () => number }> {
  let underWay = 0
  let most = 0
  const server = createServer((request, response) => {
    underWay += 1
    most = Math.max(most, underWay)
    response.once('close', () => (underWay -= 1))
    request.resume().once('end', () => {
      void sleep(delayMs, undefined, { ref: false }).then(() => {
        // Before the answer leaves: whoever has it may send the next call at once.
        underWay -= 1
        response.once('close', () => (underWay += 1))
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"x","model":"m","choices":[]}')
      })
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port }: AddressInfo = boundTo(server.address())
  return { url: `http://127.0.0.1:${port}`, most: () => most }
}

function boundTo(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address
}
