import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { z } from 'zod'

const schema = protobuf.parse(readFileSync(new URL('otlp-trace.proto', import.meta.url), 'utf8'), { keepCase: true })
const Export = schema.root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest')

export type AttributeValue = string | number | boolean | readonly AttributeValue[]
export type DecodedAttributes = Readonly<Record<string, AttributeValue>>

/** One span as it was on the wire. Times are in nanoseconds since 1970. */
export type DecodedSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly flags: number
  readonly name: string
  readonly kind: string
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: DecodedAttributes
  readonly events: readonly { readonly name: string; readonly atNs: bigint }[]
  readonly links: number
  readonly status: string
  readonly statusMessage: string
  readonly resource: DecodedAttributes
  readonly scope: { readonly name: string; readonly version: string; readonly schemaUrl: string }
}

const AnyValue = z
  .looseObject({
    string_value: z.string().optional(),
    bool_value: z.boolean().optional(),
    int_value: z.string().optional(),
    double_value: z.number().optional(),
    array_value: z.object({ values: z.array(z.object({ string_value: z.string() })) }).optional(),
  })
  .transform((value): AttributeValue => {
    const scalar = value.string_value ?? value.bool_value ?? value.double_value
    if (scalar !== undefined) return scalar
    if (value.int_value !== undefined) return Number(value.int_value)
    if (value.array_value !== undefined) return value.array_value.values.map((item) => item.string_value)
    throw new Error(`an attribute of a kind that is not expected: ${JSON.stringify(value)}`)
  })
const Attributes = z.array(z.object({ key: z.string(), value: AnyValue })).transform((list): DecodedAttributes => {
  const keys = list.map(({ key }) => key)
  if (new Set(keys).size < keys.length) throw new Error(`an attribute came twice: ${keys.join(', ')}`)
  return Object.fromEntries(list.map(({ key, value }) => [key, value]))
})
const Hex = z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes).toString('hex'))
const Nanos = z.string().transform(BigInt)
const Span = z.object({
  trace_id: Hex,
  span_id: Hex,
  parent_span_id: Hex,
  trace_state: z.string(),
  flags: z.number(),
  name: z.string(),
  kind: z.string(),
  start_time_unix_nano: Nanos,
  end_time_unix_nano: Nanos,
  attributes: Attributes,
  events: z.array(z.object({ name: z.string(), time_unix_nano: Nanos })),
  links: z.array(z.unknown()),
  status: z.object({ code: z.string(), message: z.string() }),
})
const Request = z.object({
  resource_spans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scope_spans: z.array(
        z.object({
          scope: z.object({ name: z.string(), version: z.string() }),
          spans: z.array(Span),
          schema_url: z.string(),
        }),
      ),
    }),
  ),
})

/** Decodes the body of one export, throwing on anything that the schema or these tests do not know. */
export function decodeSpans(bytes: Uint8Array): readonly DecodedSpan[] {
  const object: unknown = Export.toObject(Export.decode(bytes), {
    longs: String,
    enums: String,
    defaults: true,
    oneofs: false,
  })
  return Request.parse(object).resource_spans.flatMap(({ resource, scope_spans: scopes }) =>
    scopes.flatMap(({ scope, schema_url: schemaUrl, spans }) =>
      spans.map((span) => ({
        traceId: span.trace_id,
        spanId: span.span_id,
        parentSpanId: span.parent_span_id,
        traceState: span.trace_state,
        flags: span.flags,
        name: span.name,
        kind: span.kind.replace('SPAN_KIND_', ''),
        startNs: span.start_time_unix_nano,
        endNs: span.end_time_unix_nano,
        attributes: span.attributes,
        events: span.events.map((event) => ({ name: event.name, atNs: event.time_unix_nano })),
        links: span.links.length,
        status: span.status.code.replace('STATUS_CODE_', ''),
        statusMessage: span.status.message,
        resource: resource.attributes,
        scope: { ...scope, schemaUrl },
      })),
    ),
  )
}
