import { describe, expect, it } from 'vitest'
import { readTracingSettings } from '../../src/telemetry/tracing-settings.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

function on(environment: Readonly<Record<string, string>>) {
  const settings = readTracingSettings({ ...ENDPOINT, ...environment })
  if (settings.kind === 'off') throw new Error(`expected spans to be on: ${settings.because}`)
  return settings
}

describe('spans are exported only when someone asked for them', () => {
  it.each([
    ['nothing is set', {}],
    ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    ['the SDK is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
    ['the exporter is none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    ['only the sampler is set', { OTEL_TRACES_SAMPLER: 'always_on' }],
  ])('off, without a word, when %s', (_, environment) => {
    expect(readTracingSettings(environment)).toEqual({ kind: 'off', because: undefined })
  })

  it.each([
    [
      'grpc',
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken, found "grpc"; collectors take it on port 4318',
    ],
    [
      'http/json',
      { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
      'found "http/json"',
    ],
    [
      'another exporter',
      { OTEL_TRACES_EXPORTER: 'zipkin' },
      'OTEL_TRACES_EXPORTER: expected otlp or none, found "zipkin"',
    ],
    [
      'an endpoint that is none',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://127.0.0.1:4318',
    ],
    ['a socket', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'unix:///run/otel.sock' }, 'expected a URL'],
  ])('off, saying why, when asked for %s', (_, environment, because) => {
    const settings = readTracingSettings({ ...ENDPOINT, ...environment })
    expect(settings).toMatchObject({ kind: 'off', because: expect.stringContaining(because) })
  })

  it('shows nothing of a value that may be a secret in the wrong place', () => {
    const secret = 'api-key=REALLY SECRET'
    const { ignored } = on({ OTEL_TRACES_SAMPLER: secret, OTEL_BSP_SCHEDULE_DELAY: secret })
    expect(ignored).toHaveLength(2)
    expect(JSON.stringify([ignored, readTracingSettings({ ...ENDPOINT, OTEL_TRACES_EXPORTER: secret })])).not.toContain(
      'SECRET',
    )
  })
})

describe('where spans go', () => {
  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }, 'https://c/otlp/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318' }, 'http://c:4318/'],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/v1/x' }, 'http://t/v1/x'],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
  ])('%j → %s', (environment, url) => {
    expect(readTracingSettings(environment)).toMatchObject({ kind: 'on', url, ignored: [] })
  })
})

describe('which traces are sampled', () => {
  it.each([
    [{}, { name: 'parentbased_always_on', ratio: 1, followsParent: true }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { name: 'always_on', ratio: 1, followsParent: false }],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, { name: 'always_off', ratio: 0, followsParent: false }],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
      { name: 'parentbased_always_off', ratio: 0, followsParent: true },
    ],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
      { name: 'traceidratio 0.25', ratio: 0.25, followsParent: false },
    ],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' },
      { name: 'parentbased_traceidratio 1', ratio: 1, followsParent: true },
    ],
  ])('%j', (environment, sampler) => {
    expect(on(environment)).toMatchObject({ sampler, ignored: [] })
  })

  it('is the default, said so, where the sampler or its share is none that is known', () => {
    expect(on({ OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toMatchObject({
      sampler: { name: 'parentbased_always_on' },
      ignored: [
        expect.stringMatching(
          /^OTEL_TRACES_SAMPLER: expected one of always_on, parentbased_always_on, .*, found "jaeger_remote"/,
        ),
      ],
    })
    expect(on({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '10%' })).toMatchObject({
      sampler: { ratio: 1 },
      ignored: [expect.stringContaining('OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1')],
    })
  })
})

describe('how spans are batched', () => {
  it('has the defaults of the specification', () => {
    expect(on({}).batch).toEqual({ delayMs: 5000, exportTimeoutMs: 30_000, maxQueued: 2048, maxBatch: 512 })
  })

  it('is as the environment says, and no batch is larger than the queue', () => {
    const { batch } = on({
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_EXPORT_TIMEOUT: '2000',
      OTEL_BSP_MAX_QUEUE_SIZE: '300',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '400',
    })
    expect(batch).toEqual({ delayMs: 100, exportTimeoutMs: 2000, maxQueued: 300, maxBatch: 300 })
  })

  it.each(['0', '-1', '1.5', 'many', '1e9'])('is the default, said so, for %s', (text) => {
    const { batch, ignored } = on({ OTEL_BSP_MAX_QUEUE_SIZE: text })
    expect(batch.maxQueued).toBe(2048)
    expect(ignored).toEqual([`OTEL_BSP_MAX_QUEUE_SIZE: expected a whole number above 0, found "${text}"; 2048 is used`])
  })
})
