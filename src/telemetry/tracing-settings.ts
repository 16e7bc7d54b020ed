/** Environment variables by name; empty is as good as unset, as OpenTelemetry has it. */
type Environment = Readonly<Record<string, string | undefined>>

/** What the standard `OTEL_*` variables ask for. */
export type TracingSettings =
  /** `because`: why spans that were asked for are not exported; undefined when nobody asked. */
  | { readonly kind: 'off'; readonly because: string | undefined }
  | {
      readonly kind: 'on'
      /** Where spans are posted, whole. */
      readonly url: string
      readonly sampler: SamplerSettings
      readonly batch: BatchSettings
      /** Settings that mean nothing, each with what was expected; the default holds in their place. */
      readonly ignored: readonly string[]
    }

export type SamplerSettings = {
  /** As in `OTEL_TRACES_SAMPLER`. */
  readonly name: string
  /** Share of traces that are sampled where no caller has decided, in [0, 1]. */
  readonly ratio: number
  /** Whether a sampled caller's trace is sampled and an unsampled one's is not. */
  readonly followsParent: boolean
}

export type BatchSettings = {
  /** Longest wait of a finished span for others to be sent with. */
  readonly delayMs: number
  readonly exportTimeoutMs: number
  /** Spans that may wait; more are dropped and counted. */
  readonly maxQueued: number
  readonly maxBatch: number
}

const DEFAULT_URL = 'http://localhost:4318/v1/traces'

/**
 * Reads what the pinned SDK leaves to its host: whether and where to export, the sampler, the batches. The exporter
 * itself reads OTEL_EXPORTER_OTLP_[TRACES_]HEADERS, TIMEOUT, COMPRESSION, CERTIFICATE, CLIENT_KEY and
 * CLIENT_CERTIFICATE, the resource OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
 */
export function readTracingSettings(environment: Environment): TracingSettings {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined
  const exporter = read('OTEL_TRACES_EXPORTER')?.toLowerCase()
  const specific = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  const general = read('OTEL_EXPORTER_OTLP_ENDPOINT')
  const isAskedFor = (specific ?? general) !== undefined || exporter !== undefined
  if (!isAskedFor || exporter === 'none' || read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return off(undefined)
  if (exporter !== undefined && exporter !== 'otlp')
    return off(`OTEL_TRACES_EXPORTER: expected otlp or none, found ${show(exporter)}`)
  const protocol = read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? read('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf'
  if (protocol !== 'http/protobuf') {
    return off(
      `OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken, found ${show(protocol)}; collectors take it on port 4318`,
    )
  }
  const url = urlOf(specific, general)
  if (url === undefined) return off('OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://127.0.0.1:4318')
  const ignored: string[] = []
  const sampler = readSampler(read, ignored)
  return { kind: 'on', url, sampler, batch: readBatch(read, ignored), ignored }
}

type Read = (name: string) => string | undefined

function off(because: string | undefined): TracingSettings {
  return { kind: 'off', because }
}

/** The endpoint for traces is taken as it is; the one for all signals is a base that the path of traces goes under. */
function urlOf(specific: string | undefined, general: string | undefined): string | undefined {
  const text = specific ?? (general === undefined ? DEFAULT_URL : `${general.replace(/\/$/, '')}/v1/traces`)
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined
}

const SAMPLERS = ['always_on', 'always_off', 'traceidratio']

function readSampler(read: Read, ignored: string[]): SamplerSettings {
  const standard = 'parentbased_always_on'
  const asked = read('OTEL_TRACES_SAMPLER') ?? standard
  const isKnown = SAMPLERS.includes(asked.replace(/^parentbased_/, ''))
  if (!isKnown) {
    const known = SAMPLERS.flatMap((name) => [name, `parentbased_${name}`]).join(', ')
    ignored.push(`OTEL_TRACES_SAMPLER: expected one of ${known}, found ${show(asked)}; ${standard} is used`)
  }
  const name = isKnown ? asked : standard
  const root = name.replace(/^parentbased_/, '')
  const ratio =
    root === 'always_on' ? 1 : root === 'always_off' ? 0 : readRatio(read('OTEL_TRACES_SAMPLER_ARG'), ignored)
  return { name: root === 'traceidratio' ? `${name} ${ratio}` : name, ratio, followsParent: root !== name }
}

function readRatio(text: string | undefined, ignored: string[]): number {
  const ratio = Number(text ?? 1)
  if (ratio >= 0 && ratio <= 1) return ratio
  ignored.push(`OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, found ${show(text ?? '')}; 1 is used`)
  return 1
}

function readBatch(read: Read, ignored: string[]): BatchSettings {
  const whole = (name: string, standard: number): number => {
    const text = read(name)
    if (text === undefined) return standard
    if (/^[1-9]\d{0,7}$/.test(text)) return Number(text)
    ignored.push(`${name}: expected a whole number above 0, found ${show(text)}; ${standard} is used`)
    return standard
  }
  const maxQueued = whole('OTEL_BSP_MAX_QUEUE_SIZE', 2048)
  return {
    delayMs: whole('OTEL_BSP_SCHEDULE_DELAY', 5000),
    exportTimeoutMs: whole('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    maxQueued,
    maxBatch: Math.min(maxQueued, whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
  }
}

/** A value as a message may show it: what is no plain word may be something that was pasted into the wrong place. */
function show(value: string): string {
  return /^[\w./:-]{1,40}$/.test(value) ? `"${value}"` : 'something else'
}
