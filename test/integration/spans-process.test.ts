import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startOtlpReceiver } from '../fakes/otlp-receiver.ts'
import type { OtlpReceiver } from '../fakes/otlp-receiver.ts'
import { aProxyHome, settingsFor } from '../fakes/proxy-process.ts'
import type { ProxyHome, ProxyProcess } from '../fakes/proxy-process.ts'
import { plain, startRawUpstream } from '../fakes/raw-upstream.ts'
import type { RawUpstream } from '../fakes/raw-upstream.ts'

const LIST_MODULES = new URL('../fakes/list-loaded-modules.ts', import.meta.url).href

let collector: OtlpReceiver
let upstream: RawUpstream
let dir: string
let home: ProxyHome | undefined
beforeEach(async () => {
  collector = await startOtlpReceiver()
  upstream = await startRawUpstream()
  upstream.serve((call) => void call.write(plain('{}')))
  dir = mkdtempSync(join(tmpdir(), 'understudy-spans-'))
})
afterEach(async () => {
  await home?.close()
  home = undefined
  await upstream.close()
  await collector.close()
  rmSync(dir, { recursive: true, force: true })
})

/** The command as it is started by hand, without a store, with a list of the modules it loads. */
async function start(environment: Readonly<Record<string, string>>): Promise<ProxyProcess> {
  home = await aProxyHome(settingsFor(upstream.url, { store: { kind: 'none' } }), {
    environment: { ...environment, NODE_OPTIONS: `--import ${LIST_MODULES}`, LOADED_MODULES: join(dir, 'modules') },
  })
  return home.start()
}

async function ask(): Promise<void> {
  const answer = await fetch(`${home?.url}/openai/v1/chat/completions`, { method: 'POST', body: '{"model":"m"}' })
  await answer.text()
}

function loadedFromTheSdk(): readonly string[] {
  const loaded = readFileSync(join(dir, 'modules'), 'utf8').split('\n')
  expect(loaded.filter((url) => url.endsWith('/src/compose.ts'))).toHaveLength(1)
  // The API, which does nothing on its own, comes with the Prometheus client.
  return loaded.filter((url) => /\/@opentelemetry\/(?!api\/)/.test(url))
}

describe('the standard variables', () => {
  it('turn the export on, with its service, its headers and its compression, and a stop sends what is left', async () => {
    const proxy = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=team%20a,authorization=Bearer%20REALLY-SECRET',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_SERVICE_NAME: 'llm-gateway',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.version=ours',
      OTEL_BSP_SCHEDULE_DELAY: '60000',
    })
    await ask()
    expect(await proxy.metric('understudy_spans_waiting', { exporter: 'otlp' })).toBe(2)
    expect(await proxy.metric('understudy_spans_total', { result: 'dropped' })).toBe(0)
    expect(collector.exports).toEqual([])
    expect(await proxy.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const [sent] = collector.exports
    expect(sent?.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
      'x-tenant': 'team a',
      authorization: 'Bearer REALLY-SECRET',
    })
    expect(sent?.spans.map(({ kind }) => kind)).toEqual(['SERVER', 'CLIENT'])
    expect(sent?.spans[0]?.resource).toMatchObject({
      'service.name': 'llm-gateway',
      'service.version': 'ours',
      'deployment.environment.name': 'test',
    })
    expect(loadedFromTheSdk().some((url) => url.includes('/@opentelemetry/sdk-trace/'))).toBe(true)
    expect(home?.printed()).toContain(
      `Spans        exported to ${collector.url}/v1/traces, sampler parentbased_always_on`,
    )
    expect(home?.printed()).not.toContain('REALLY-SECRET')
  })

  it('left unset, load not one module of the SDK, and /metrics has nothing about spans', async () => {
    const proxy = await start({})
    await ask()
    expect(await proxy.metric('understudy_spans_total', { result: 'exported' })).toBeUndefined()
    expect(await proxy.metric('understudy_spans_waiting', { exporter: 'otlp' })).toBeUndefined()
    await proxy.end('SIGTERM')
    expect(loadedFromTheSdk()).toEqual([])
    expect(home?.printed()).toContain('Spans        off: set OTEL_EXPORTER_OTLP_ENDPOINT to export them to a collector')
  })

  it('that ask for gRPC are answered clearly, at the start and in the log, and calls are served without spans', async () => {
    const proxy = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })
    await ask()
    expect(upstream.calls).toHaveLength(1)
    await proxy.end('SIGTERM')
    expect(collector.exports).toEqual([])
    const because = 'OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken, found "grpc"'
    expect(home?.printed()).toContain(`Spans        off: ${because}`)
    expect(proxy.lines().find(({ event }) => event === 'spans_off')?.['detail']).toContain(because)
    expect(loadedFromTheSdk()).toEqual([])
  })

  it('that the SDK cannot use are told in the log', async () => {
    const proxy = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_COMPRESSION: 'lzma',
      OTEL_TRACES_SAMPLER: 'sometimes',
    })
    await proxy.end('SIGTERM')
    const ignored = proxy.lines().filter(({ event }) => event === 'spans_setting_ignored')
    expect(ignored.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('OTEL_TRACES_SAMPLER'),
      expect.stringContaining('OTEL_EXPORTER_OTLP_COMPRESSION'),
    ])
  })
})

it('a dead collector slows neither the calls nor, beyond three seconds, the stop', async () => {
  const { url } = collector
  await collector.close()
  const proxy = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: '1' })
  for (let asked = 0; asked < 20; asked++) await ask()
  expect(upstream.calls).toHaveLength(20)
  const before = performance.now()
  expect(await proxy.end('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(performance.now() - before).toBeLessThan(8_000)
  expect(proxy.lines().map(({ event }) => event)).toContain('spans_left_unsent')
  collector = await startOtlpReceiver()
})
