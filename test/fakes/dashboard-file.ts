import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'

export const DASHBOARDS = resolve(import.meta.dirname, '../../dashboards')

const Source = z.object({ type: z.string(), uid: z.string() })
const Target = z.object({
  refId: z.string(),
  datasource: Source,
  editorType: z.literal('sql'),
  pluginVersion: z.string(),
  format: z.union([z.literal(0), z.literal(1)]),
  rawSql: z.string().min(1),
})
const Override = z.object({
  matcher: z.object({ id: z.enum(['byName', 'byRegexp']), options: z.string() }),
  properties: z.array(z.object({ id: z.string(), value: z.unknown() })),
})
const Transformation = z.discriminatedUnion('id', [
  z.strictObject({
    id: z.literal('groupingToMatrix'),
    options: z.strictObject({
      rowField: z.string(),
      columnField: z.string(),
      valueField: z.string(),
      emptyValue: z.literal('null'),
    }),
  }),
  z.strictObject({
    id: z.literal('organize'),
    options: z.strictObject({ renameByName: z.record(z.string(), z.string()) }),
  }),
])
const Panel = z.object({
  id: z.int(),
  type: z.enum(['stat', 'timeseries', 'table', 'bargauge', 'barchart']),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource: Source,
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.tuple([Target]),
  interval: z.string().optional(),
  transformations: z.array(Transformation).optional(),
  options: z.object({ legend: z.object({ showLegend: z.boolean() }).optional() }),
  fieldConfig: z.object({
    defaults: z.object({
      unit: z.string().optional(),
      decimals: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
      displayName: z.string().optional(),
      color: z.object({ mode: z.string(), fixedColor: z.string().optional() }).optional(),
      thresholds: z
        .object({ steps: z.array(z.object({ value: z.number().nullable(), color: z.string() })) })
        .optional(),
      custom: z
        .object({
          drawStyle: z.string().optional(),
          lineInterpolation: z.string().optional(),
          thresholdsStyle: z.object({ mode: z.string() }).optional(),
          spanNulls: z.union([z.number(), z.boolean()]).optional(),
          cellOptions: z.object({ type: z.string() }).optional(),
        })
        .optional(),
    }),
    overrides: z.array(Override),
  }),
})
/** The plugin's CHVariableQuery, as far as SQL goes. */
const VariableQuery = z.strictObject({ refId: z.string(), queryType: z.literal('sql'), rawSql: z.string().min(1) })
const Variable = z.object({
  name: z.string(),
  type: z.enum(['datasource', 'query', 'textbox']),
  label: z.string().optional(),
  query: z.union([z.string(), VariableQuery]),
  includeAll: z.boolean().optional(),
})
const Board = z.object({
  uid: z.string().regex(/^[\w-]{8,40}$/),
  title: z.string(),
  description: z.string().min(1),
  templating: z.object({ list: z.array(Variable) }),
  annotations: z.object({ list: z.array(z.object({ name: z.string(), target: Target, iconColor: z.string() })) }),
  panels: z.array(Panel),
})

export type BoardFile = z.infer<typeof Board>
export type PanelFile = z.infer<typeof Panel>
export type TransformationFile = z.infer<typeof Transformation>

/** A committed dashboard, of which what is tested has been parsed. */
export const boardFile = (name: string): BoardFile =>
  Board.parse(JSON.parse(readFileSync(join(DASHBOARDS, 'json', `${name}.json`), 'utf8')))
