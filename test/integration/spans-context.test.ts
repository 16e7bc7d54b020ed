import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { TraceContextMode } from '../../src/domain/policy.ts'
import { valueOf } from '../fakes/http-message.ts'
import { startProxy } from '../fakes/proxy.ts'
import { RawClient } from '../fakes/raw-client.ts'
import { plain, startRawUpstream } from '../fakes/raw-upstream.ts'
import type { RawCall } from '../fakes/raw-upstream.ts'
import { startTracedProxy } from '../fakes/traced-proxy.ts'
import type { Environment, TracedProxy } from '../fakes/traced-proxy.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const SAMPLED = `00-${TRACE}-${SPAN}-01`
const UNSAMPLED = `00-${TRACE}-${SPAN}-00`
const STATE = 'vendor=opaque,other=1'

const RECOGNISED = '/openai/v1/chat/completions'
const PASSED = '/openai/v1/files'
const BOTH = [
  ['a model call', RECOGNISED],
  ['a request that is passed through', PASSED],
] as const

let stage: TracedProxy | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

type Seen = { readonly traceparent: string | undefined; readonly tracestate: string | undefined }

/** Sends one request through a traced proxy; resolves to what the upstream got of its trace context. */
async function sent(
  mode: TraceContextMode,
  path: string,
  headers: Record<string, string>,
  environment: Environment = {},
): Promise<Seen & { readonly stage: TracedProxy }> {
  stage = await startTracedProxy({ traceContext: mode }, environment)
  stage.upstream.serve((call) => void call.write(plain('{}')))
  const { proxy, upstream } = stage
  await (await fetch(`${proxy.url}${path}`, { method: 'POST', headers, body: '{"model":"m"}' })).text()
  const [call] = upstream.calls
  if (call === undefined) throw new Error('the upstream was not called')
  return { ...contextOf(call), stage }
}

function contextOf(call: RawCall): Seen {
  return { traceparent: valueOf(call.headers, 'traceparent'), tracestate: valueOf(call.headers, 'tracestate') }
}

describe.each(BOTH)("the client's trace context with %s", (_, path) => {
  it("makes the client's span the parent of ours, with the same trace and what vendors noted about it", async () => {
    const { stage: on } = await sent('forward', path, { traceparent: SAMPLED, tracestate: STATE })
    const { server, clients } = await on.spansOfOne()
    expect(server).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, traceState: STATE })
    // 0x300: the parent is known to be of another process.
    expect(server.flags).toBe(0x301)
    expect(clients).toMatchObject([{ traceId: TRACE, parentSpanId: server.spanId, traceState: STATE, flags: 0x101 }])
  })

  it('goes on untouched by default, without one too', async () => {
    expect(await sent('forward', path, { traceparent: SAMPLED, tracestate: STATE })).toMatchObject({
      traceparent: SAMPLED,
      tracestate: STATE,
    })
    await stage?.close()
    expect(await sent('forward', path, {})).toMatchObject({ traceparent: undefined, tracestate: undefined })
  })

  it('does not leave where it is stripped, and is the parent of our spans none the less', async () => {
    const { stage: on, ...seen } = await sent('strip', path, { traceparent: SAMPLED, tracestate: STATE })
    expect(seen).toEqual({ traceparent: undefined, tracestate: undefined })
    expect((await on.spansOfOne()).server.parentSpanId).toBe(SPAN)
  })

  it("names our CLIENT span where it is propagated, so that the upstream's spans hang below it", async () => {
    const { stage: on, ...seen } = await sent('propagate', path, { traceparent: SAMPLED, tracestate: STATE })
    const { clients } = await on.spansOfOne()
    expect(seen).toEqual({ traceparent: `00-${TRACE}-${clients[0]?.spanId}-01`, tracestate: STATE })
  })

  it('begins with us where it is propagated and the client sent none, or nothing usable', async () => {
    for (const headers of [{}, { traceparent: 'nonsense', tracestate: STATE }]) {
      const { stage: on, ...seen } = await sent('propagate', path, headers)
      const { server, clients, exchange } = await on.spansOfOne()
      expect(server).toMatchObject({
        traceId: exchange.request.id.replaceAll('-', ''),
        parentSpanId: '',
        traceState: '',
      })
      expect(seen).toEqual({ traceparent: `00-${server.traceId}-${clients[0]?.spanId}-01`, tracestate: undefined })
      await on.close()
    }
  })
})

describe('a trace that is not sampled', () => {
  it.each(BOTH)('with always_off is not exported, and the upstream is told so: %s', async (_, path) => {
    const { stage: on, ...seen } = await sent(
      'propagate',
      path,
      { traceparent: SAMPLED },
      { OTEL_TRACES_SAMPLER: 'always_off' },
    )
    const [exchange] = await on.proxy.recorded(1)
    await on.tracing.close()
    expect(on.collector.exports).toEqual([])
    expect(seen.traceparent).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-00$`))
    expect(seen.traceparent).toContain(exchange?.attempts[0]?.id.replaceAll('-', '').slice(16))
    expect(on.tracing.counts()).toEqual({ exported: 0, failed: 0, dropped: 0, waiting: 0 })
  })

  it("is the caller's decision by default, either way", async () => {
    const unsampled = await sent('propagate', RECOGNISED, { traceparent: UNSAMPLED })
    await unsampled.stage.tracing.close()
    expect(unsampled.traceparent?.slice(-3)).toBe('-00')
    expect(unsampled.stage.collector.exports).toEqual([])
    await unsampled.stage.close()
    const off = { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }
    const sampled = await sent('propagate', RECOGNISED, { traceparent: SAMPLED }, off)
    expect(sampled.traceparent?.slice(-3)).toBe('-01')
    expect((await sampled.stage.spansOfOne()).server.traceId).toBe(TRACE)
  })

  it('goes on with the flags that the client gave it where it is forwarded', async () => {
    const { traceparent } = await sent(
      'forward',
      RECOGNISED,
      { traceparent: SAMPLED },
      { OTEL_TRACES_SAMPLER: 'always_off' },
    )
    expect(traceparent).toBe(SAMPLED)
  })

  it('is decided for a share of the traces, and the header says what the export does', async () => {
    stage = await startTracedProxy(
      { traceContext: 'propagate' },
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
    )
    const { proxy, upstream, collector, tracing } = stage
    upstream.serve((call) => void call.write(plain('{}')))
    const count = 200
    for (let asked = 0; asked < count; asked++) {
      await (await fetch(`${proxy.url}${PASSED}`)).text()
    }
    await proxy.recorded(count)
    await tracing.close()
    const sampled = upstream.calls.flatMap((call) => {
      const [, traceId, , flags] = contextOf(call).traceparent?.split('-') ?? []
      return flags === '01' ? [traceId] : []
    })
    const exported = collector
      .spans()
      .filter(({ kind }) => kind === 'SERVER')
      .map(({ traceId }) => traceId)
    expect(new Set(exported)).toEqual(new Set(sampled))
    // Five standard deviations about the half.
    expect(Math.abs(exported.length - count / 2)).toBeLessThan(36)
  })
})

it('a WebSocket hangs below our span as well', async () => {
  stage = await startTracedProxy({ traceContext: 'propagate' })
  const { proxy, upstream, spansOfOne } = stage
  const arrived = upstream.next()
  const client = new RawClient(proxy.port)
  await once(client.socket, 'connect')
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  client.socket.write(
    ['GET /openai/v1/realtime HTTP/1.1', 'Host: a', ...upgrade, `traceparent: ${SAMPLED}`, '', ''].join('\r\n'),
  )
  const call = await arrived
  call.socket.destroy()
  const { clients } = await spansOfOne()
  expect(contextOf(call).traceparent).toBe(`00-${TRACE}-${clients[0]?.spanId}-01`)
})

it('without an exporter there is no span of ours to name, and propagate is as forward', async () => {
  const upstream = await startRawUpstream()
  const proxy = await startProxy(upstream.url, { provider: { traceContext: 'propagate' } })
  upstream.serve((call) => void call.write(plain('{}')))
  for (const [, path] of BOTH) {
    await (
      await fetch(`${proxy.url}${path}`, {
        method: 'POST',
        headers: { traceparent: SAMPLED, tracestate: STATE },
        body: '{}',
      })
    ).text()
  }
  expect(upstream.calls.map(contextOf)).toEqual([
    { traceparent: SAMPLED, tracestate: STATE },
    { traceparent: SAMPLED, tracestate: STATE },
  ])
  await proxy.close()
  await upstream.close()
})
