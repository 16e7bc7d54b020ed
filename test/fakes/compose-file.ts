import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../..')

const word = z.union([z.string(), z.number(), z.boolean()])
const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number(text.slice(0, -1)))
const bytes = z
  .string()
  .regex(/^\d+[mg]$/)
  .transform((text) => Number(text.slice(0, -1)) * (text.endsWith('g') ? 1024 ** 3 : 1024 ** 2))

/** The keys of the Compose specification that we use; a misspelt one is a fault, as it is for Compose itself. */
const Service = z.strictObject({
  profiles: z.array(z.string()).optional(),
  image: z.string(),
  entrypoint: z.array(z.string()).optional(),
  user: z.string().optional(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()),
  restart: z.enum(['unless-stopped', 'always']),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  ports: z.array(z.string()).prefault([]),
  env_file: z.array(z.strictObject({ path: z.string(), required: z.boolean() })).optional(),
  environment: z.record(z.string(), word).prefault({}),
  volumes: z.array(z.string()),
  ulimits: z.record(z.string(), z.strictObject({ soft: z.number(), hard: z.number() })).optional(),
  mem_limit: bytes,
  stop_grace_period: seconds.optional(),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({
        condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']),
        required: z.boolean().optional(),
      }),
    )
    .optional(),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()),
      interval: seconds,
      timeout: seconds,
      retries: z.number(),
      start_period: seconds,
    })
    .optional(),
})

const ComposeFile = z
  .object({
    name: z.string(),
    services: z.strictObject({
      proxy: Service,
      clickhouse: Service,
      grafana: Service,
      'otel-collector': Service,
      'clickhouse-1': Service,
      'clickhouse-2': Service,
      'clickhouse-keeper': Service,
    }),
    volumes: z.record(z.string(), z.null()),
  })
  .catchall(z.unknown())

export const composeText = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')

/** docker-compose.yml, with its anchors merged. Throws on a key that is none of those above. */
export const composeFile = ComposeFile.parse(parse(composeText, { merge: true }))

/** `127.0.0.1:8787:8787` taken apart. */
export function publishedPort(text: string): { readonly host: string; readonly port: number; readonly target: number } {
  const [host = '', port, target] = text.split(':')
  return { host, port: Number(port), target: Number(target) }
}

/** `./config:/etc/understudy:ro` taken apart. */
export function mount(text: string): {
  readonly source: string
  readonly target: string
  readonly isReadOnly: boolean
} {
  const [source = '', target = '', mode] = text.split(':')
  return { source, target, isReadOnly: mode === 'ro' }
}
