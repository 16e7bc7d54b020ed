import { join } from 'node:path'
import type { App } from '../compose/app.ts'
import type { ConfigSource } from '../config/load-config.ts'
import { describeContent } from '../config/describe-content.ts'
import { describeFeatures } from '../config/describe-features.ts'
import { formatListen, isLoopback } from '../config/listen-address.ts'
import type { Config, Policy, Provider } from '../domain/policy.ts'
import type { TracingSettings } from '../telemetry/tracing-settings.ts'

/** What every command reads when it is told nothing else. */
export const DEFAULT_CONFIG = 'config/understudy.yaml'

export type BannerFacts = {
  readonly app: App
  readonly source: ConfigSource
  readonly config: Config
  readonly version: string
  /** What of the config will not happen, and why: of `configNotices`. */
  readonly notices: readonly string[]
}

/** What someone who has just started the proxy wants to know: where to point the SDK, where the data is, what is on. */
export function banner({ app, source, config, version, notices }: BannerFacts): string[] {
  const data = `http://${formatListen(app.data)}`
  const admin = `http://${formatListen(app.admin)}`
  const { boot, policy } = config
  return [
    `Understudy ${version}, config ${source.file}`,
    '',
    'Point your SDK here; nothing else changes:',
    ...[...policy.providers.values()].map((provider) => `  ${provider.name.padEnd(12)} ${sdkLine(data, provider)}`),
    '',
    `  Admin        ${admin}  (/healthz /readyz /metrics /admin/traces /admin/summary /admin/policy)`,
    `  Access       ${boot.admin.token === undefined ? 'no admin token: this machine only' : 'admin token required'}${isLoopback(app.data.host) ? '' : `; the data port is open to the network on ${app.data.host}`}`,
    `  Data         ${boot.dataDir}`,
    `  Store        ${boot.store.kind === 'none' ? 'off: nothing is recorded (store.kind is none)' : 'starting; calls are served and spooled meanwhile'}`,
    `  Traces kept  ${policy.retention.tracesDays} days`,
    `  Content      ${describeContent(policy.content, policy.retention.contentsDays)}`,
    ...featureLines(policy),
    ...notices.map((notice) => `  Note         ${notice}`),
    `  Spans        ${spansLine(app.spans)}`,
    `  Keys         ${keysLine([...policy.providers.values()])}`,
    `  See rows     npx understudy traces${configFlag(source)}    (or summary)`,
    '',
  ]
}

/** What another command must be told to find this proxy: it looks in the data directory that its config names. */
function configFlag({ file }: ConfigSource): string {
  return file === DEFAULT_CONFIG ? '' : ` -c ${file}`
}

/** Where the store is, or why it is not there. */
export function storeLine(app: App, dataDir: string): string {
  const status = app.storeStatus()
  const access = app.storeAccess()
  if (status.kind !== 'ready' || access === undefined) return `  Store        ${status.kind}: ${status.detail}`
  const user =
    access.readOnly === undefined
      ? ''
      : `, read-only user ${access.readOnly.username}, password in ${join(dataDir, 'clickhouse-ro-password')}`
  return `  Store        ready: ClickHouse at ${access.url}, database ${access.database}${user}`
}

const NAMED_MOUNTS = ['openai', 'anthropic', 'gemini']

function sdkLine(data: string, provider: Provider): string {
  const mount = NAMED_MOUNTS.includes(provider.name) ? provider.name : `p/${provider.name}`
  // Where its clients add the paths themselves, Azure's by deployment, their base is the mount.
  const hasV1 = provider.dialect === 'openai' && (provider.paths?.some(({ client }) => client === '/v1') ?? true)
  const base = hasV1 ? `${data}/${mount}/v1` : `${data}/${mount}`
  return `baseURL ${base}  → ${provider.baseUrl.href.replace(/\/$/, '')}`
}

/** By the file: what the API and commands have changed since is asked of the proxy. */
function featureLines(policy: Policy): readonly string[] {
  const { on, off } = describeFeatures(policy)
  return [
    ...(on.length === 0 ? [] : [`  On           ${on.join('; ')}`]),
    ...(off.length === 0 ? [] : [`  Off          ${off.join(', ')} (config/understudy.example.yaml has each)`]),
  ]
}

function spansLine(spans: TracingSettings): string {
  if (spans.kind === 'on') return `exported to ${withoutSecrets(spans.url)}, sampler ${spans.sampler.name}`
  return `off: ${spans.because ?? 'set OTEL_EXPORTER_OTLP_ENDPOINT to export them to a collector'}`
}

/** A collector's URL may hold a password or, in its query, a key. */
function withoutSecrets(text: string): string {
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}

function keysLine(providers: readonly Provider[]): string {
  const server = providers.filter((provider) => provider.apiKey !== undefined).map((provider) => provider.name)
  if (server.length === 0)
    return "clients bring their own; none is kept here (set providers.<name>.api_key to use the server's)"
  return `the server's own for ${server.join(', ')}: whoever reaches the data port spends it; clients bring theirs elsewhere`
}
