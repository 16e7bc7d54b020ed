import type { Exchange } from '../../src/domain/exchange.ts'
import type { Provider } from '../../src/domain/policy.ts'
import type { Log } from '../../src/domain/ports.ts'
import { startTracing } from '../../src/telemetry/start-tracing.ts'
import type { Tracing } from '../../src/telemetry/tracing.ts'
import { readTracingSettings } from '../../src/telemetry/tracing-settings.ts'
import type { DecodedSpan } from './otlp-decode.ts'
import { startOtlpReceiver } from './otlp-receiver.ts'
import type { OtlpReceiver } from './otlp-receiver.ts'
import { startProxy } from './proxy.ts'
import type { TestProxy } from './proxy.ts'
import { startRawUpstream } from './raw-upstream.ts'
import type { RawUpstream } from './raw-upstream.ts'
import { silentLog } from './silent-log.ts'

export type Environment = Readonly<Record<string, string>>

/** The request path over real sockets, its spans exported to a collector, and an upstream whose bytes the test decides. */
export type TracedProxy = {
  readonly proxy: TestProxy
  readonly upstream: RawUpstream
  readonly collector: OtlpReceiver
  readonly tracing: Tracing
  /** The spans of the only request so far, the SERVER span first, and its record. Sends what is still queued. */
  readonly spansOfOne: () => Promise<{
    readonly server: DecodedSpan
    readonly clients: readonly DecodedSpan[]
    readonly exchange: Exchange
  }>
  readonly close: () => Promise<void>
}

/** A tracing as the environment asks for, to the collector at `url`. */
export function startTracingTo(
  url: string,
  environment: Environment = {},
  {
    providerOf = () => undefined,
    log = silentLog,
  }: { readonly providerOf?: (name: string) => Provider | undefined; readonly log?: Log } = {},
): Tracing {
  const settings = readTracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...environment })
  if (settings.kind === 'off') throw new Error(settings.because)
  return startTracing({ settings, version: '1.2.3', instance: 'host:8787', providerOf, log })
}

export async function startTracedProxy(
  provider: Partial<Provider> = {},
  environment: Environment = {},
): Promise<TracedProxy> {
  const upstream = await startRawUpstream()
  const collector = await startOtlpReceiver()
  const tracing = startTracingTo(collector.url, environment, {
    providerOf: (name) => proxy.state.current().policy.providers.get(name),
  })
  const proxy: TestProxy = await startProxy(upstream.url, {
    provider,
    observe: tracing.observe,
    propagate: tracing.propagate,
  })
  return {
    proxy,
    upstream,
    collector,
    tracing,
    spansOfOne: async () => {
      const [exchange] = await proxy.recorded(1)
      await tracing.close()
      const [server, ...clients] = collector.spans()
      if (exchange === undefined || server === undefined) throw new Error('no span has come')
      return { server, clients, exchange }
    },
    close: async () => {
      await proxy.close()
      await tracing.close()
      await upstream.close()
      await collector.close()
    },
  }
}
