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
  matcher: z.object({ id: z.literal('byName'), options: z.string() }),
  properties: z.array(z.object({ id: z.string(), value: z.unknown() })),
})
const Panel = z.object({
  id: z.int(),
  type: z.enum(['stat', 'timeseries', 'table']),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource: Source,
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.tuple([Target]),
  interval: z.string().optional(),
  options: z.object({ legend: z.object({ showLegend: z.boolean() }).optional() }),
  fieldConfig: z.object({
    defaults: z.object({
      unit: z.string().optional(),
      displayName: z.string().optional(),
      color: z.object({ mode: z.string() }).optional(),
    }),
    overrides: z.array(Override),
  }),
})
/** The plugin's CHVariableQuery, as far as SQL goes. */
const VariableQuery = z.strictObject({ refId: z.string(), queryType: z.literal('sql'), rawSql: z.string().min(1) })
const Variable = z.object({
  name: z.string(),
  type: z.enum(['datasource', 'query']),
  query: z.union([z.string(), VariableQuery]),
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

/** A committed dashboard, of which what is tested has been parsed. */
export const boardFile = (name: string): BoardFile =>
  Board.parse(JSON.parse(readFileSync(join(DASHBOARDS, 'json', `${name}.json`), 'utf8')))
