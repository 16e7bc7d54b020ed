import { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { Sampler } from '@opentelemetry/sdk-trace'
import type { Provider } from '../domain/policy.ts'
import type { Log } from '../domain/ports.ts'
import { traceIdOf, traceparentOf } from '../domain/trace-context.ts'
import type { TraceParent } from '../domain/trace-context.ts'
import type { RequestId } from '../domain/units.ts'
import { exchangeSpans } from './exchange-spans.ts'
import type { SpanOwner } from './finished-span.ts'
import { GENAI_SCHEMA_URL } from './genai.ts'
import { createSpanDelivery } from './span-delivery.ts'
import type { Tracing } from './tracing.ts'
import type { SamplerSettings, TracingSettings } from './tracing-settings.ts'

export type TracingOptions = {
  readonly settings: Extract<TracingSettings, { kind: 'on' }>
  readonly version: string
  /** Names this process among others of the same service. */
  readonly instance: string
  readonly providerOf: (name: string) => Provider | undefined
  readonly log: Log
}

/**
 * Starts the export of spans. They are made after the fact, from the record of a finished request, so that nothing
 * of the SDK runs while a request is under way.
 */
export function startTracing({ settings, version, instance, providerOf, log }: TracingOptions): Tracing {
  const { exporter, owner } = listening(log, () => ({
    exporter: new OTLPTraceExporter({ url: settings.url }),
    owner: ownerOf(version, instance),
  }))
  const delivery = createSpanDelivery(exporter, settings.batch, log)
  const sampler = samplerOf(settings.sampler)
  const isSampled = (requestId: RequestId, parent: TraceParent | undefined): boolean => {
    const caller =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.flags,
            isRemote: true,
          })
    // By the trace alone, so that the header sent before a call and the span made after it agree.
    const { decision } = sampler.shouldSample(caller, traceIdOf(requestId, parent), '', SpanKind.SERVER, {}, [])
    return decision === SamplingDecision.RECORD_AND_SAMPLED
  }
  return {
    observe: (exchange) => {
      const { request } = exchange
      if (!isSampled(request.id, request.client.traceParent)) return
      delivery.offer(1 + exchange.attempts.length, () => exchangeSpans(exchange, providerOf, owner))
    },
    propagate: (requestId, attemptId, parent) =>
      traceparentOf(requestId, attemptId, parent, isSampled(requestId, parent)),
    counts: delivery.counts,
    close: delivery.close,
  }
}

function samplerOf({ ratio, followsParent }: SamplerSettings): Sampler {
  const root =
    ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
  return followsParent ? new ParentBasedSampler({ root }) : root
}

/** `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over what the proxy says of itself. */
function ownerOf(version: string, instance: string): SpanOwner {
  const own = resourceFromAttributes({
    'service.name': 'understudy',
    'service.version': version,
    'service.instance.id': instance,
  })
  const told = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })
  return {
    resource: own.merge(told),
    instrumentationScope: { name: 'understudy', version, schemaUrl: GENAI_SCHEMA_URL },
  }
}

/** Runs `build` with the SDK's complaints (a certificate that cannot be read, a time-out that is no number) in our log. */
function listening<T>(log: Log, build: () => T): T {
  const ignore = (): void => undefined
  const warn = (detail: string): void => log.warn('spans_setting_ignored', { detail })
  diag.setLogger({ verbose: ignore, debug: ignore, info: ignore, warn, error: warn }, DiagLogLevel.WARN)
  try {
    return build()
  } finally {
    diag.disable()
  }
}
