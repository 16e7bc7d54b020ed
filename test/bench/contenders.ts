import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from './child.ts'
import { portkey, portkeyHeaders } from './portkey.ts'
import type { Site } from './site.ts'

/** A server under test, as data: to try another proxy, add an entry. */
export type Contender = {
  readonly name: string
  /** Its path for OpenAI chat completions. */
  readonly path: string
  /**
   * How to start it; a text says why it cannot take part here. `nodeFlags` are for a contender that runs on Node, and
   * refused by one that does not. Undefined = nothing to start: the upstream itself.
   */
  readonly start: ((site: Site, nodeFlags: readonly string[]) => Command | string) | undefined
  /** Answers 200 once it is ready; undefined = as soon as its port accepts. */
  readonly readyUrl?: (site: Site) => string
  /** Measured only when named: it is not held to the one core of the others, so its figures are not for their table. */
  readonly usesAllCores?: boolean
  /** Measured only when named. */
  readonly isOnDemand?: boolean
  /** Header lines that each request to it needs besides. */
  readonly headers?: (site: Site) => readonly string[]
  /** Tells its database's processes from its own by their command line. */
  readonly store?: RegExp
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const ROOT = here('../..')

/** The row that the others are compared with. */
export const DIRECT = 'direct'
/** The row that sets the price of doing nothing on Node. */
export const BARE = 'bare node + undici'
export const PRODUCT = 'understudy'
/** The same with ten routes, the last of which takes every call and has a fallback. */
const ROUTES = `${PRODUCT} with 10 routes`
/** The same with a shadow on a tenth of its calls; and what that costs live calls alone: all is done but sending. */
export const MIRRORED = `${PRODUCT} with 10 % mirrored`
export const PLANNED = `${PRODUCT} with 10 % planned`

/** Started with so many workers on all cores, which they share with the load and the upstream. */
export function onAllCores(workers: number): Contender {
  return {
    name: `${PRODUCT} with ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    path: '/openai/v1/chat/completions',
    start: (site, nodeFlags) => {
      const command = understudy(site, nodeFlags)
      return { ...command, args: [...command.args, '--workers', String(workers)] }
    },
    usesAllCores: true,
    readyUrl: (site) => `http://127.0.0.1:${site.adminPort}/readyz`,
    store: /clickhouse|sidecar/,
  }
}

export const CONTENDERS: readonly Contender[] = [
  { name: DIRECT, path: '/v1/chat/completions', start: undefined },
  {
    name: BARE,
    path: '/v1/chat/completions',
    start: ownProxy('bare-proxy.ts'),
  },
  { name: 'http-proxy-middleware', path: '/v1/chat/completions', start: ownProxy('pass-proxy.ts') },
  { name: 'nginx', path: '/v1/chat/completions', start: nginx },
  {
    name: PRODUCT,
    path: '/openai/v1/chat/completions',
    start: understudy,
    readyUrl: (site) => `http://127.0.0.1:${site.adminPort}/readyz`,
    store: /clickhouse|sidecar/,
  },
  {
    name: ROUTES,
    path: '/openai/v1/chat/completions',
    start: (site, nodeFlags) => understudy(site, nodeFlags, tenRoutes(site)),
    readyUrl: (site) => `http://127.0.0.1:${site.adminPort}/readyz`,
    store: /clickhouse|sidecar/,
  },
  {
    name: MIRRORED,
    path: '/openai/v1/chat/completions',
    start: (site, nodeFlags) => understudy(site, nodeFlags, tenthMirrored(site, 1_000)),
    readyUrl: (site) => `http://127.0.0.1:${site.adminPort}/readyz`,
    isOnDemand: true,
    store: /clickhouse|sidecar/,
  },
  {
    name: PLANNED,
    path: '/openai/v1/chat/completions',
    start: (site, nodeFlags) => understudy(site, nodeFlags, tenthMirrored(site, 0)),
    readyUrl: (site) => `http://127.0.0.1:${site.adminPort}/readyz`,
    isOnDemand: true,
    store: /clickhouse|sidecar/,
  },
  { name: 'portkey', path: '/v1/chat/completions', start: portkey, headers: portkeyHeaders },
  onAllCores(1),
  onAllCores(2),
]

/** A proxy of the bench's own, in a file beside this one. */
function ownProxy(file: string): (site: Site, nodeFlags: readonly string[]) => Command {
  return (site, nodeFlags) => ({
    command: process.execPath,
    args: [
      ...nodeFlags,
      here(file),
      '--port',
      String(site.port),
      '--upstream',
      `http://127.0.0.1:${site.upstreamPort}`,
    ],
  })
}

/** `npm start` with one provider that tells usage on streams, and every trace stored in the embedded ClickHouse. */
function understudy(site: Site, nodeFlags: readonly string[], more = ''): Command {
  const file = join(site.directory, 'understudy.yaml')
  writeFileSync(
    file,
    `listen: 127.0.0.1:${site.port}
admin:
  listen: 127.0.0.1:${site.adminPort}
data_dir: ${join(site.directory, 'data')}
providers:
  openai:
    dialect: openai
    base_url: http://127.0.0.1:${site.upstreamPort}
    include_usage: true
${more}`,
  )
  return { command: process.execPath, args: [...nodeFlags, join(ROOT, 'src/main.ts'), 'serve', '--config', file] }
}

/** A second account, nine routes that match something else by several conditions, and one that takes what is left. */
function tenRoutes(site: Site): string {
  const others = Array.from(
    { length: 9 },
    (_, r) =>
      `  r${r}: { match: { team: [t${r}*], tags: { app: a${r} } }, target: openai/m${r}, fallbacks: [spare/m${r}] }`,
  )
  return `  spare:
    dialect: openai
    base_url: http://127.0.0.1:${site.upstreamPort}
    api_key: sk-spare
    include_usage: true
routes:
${others.join('\n')}
  rest: { target: openai/*, fallbacks: [spare/*] }
`
}

/** A shadow on every tenth call. A budget of 0 USD has everything done up to the call itself. */
function tenthMirrored(site: Site, budgetUsd: number): string {
  return `  spare:
    dialect: openai
    base_url: http://127.0.0.1:${site.upstreamPort}
    api_key: sk-spare
    include_usage: true
prices: [{ model: '*', input: 0.1, output: 0.4 }]
shadows:
  tenth:
    sample: 10%
    aa_share: 0%
    candidates: spare/candidate
    budget: { per_hour: ${budgetUsd}, per_day: ${budgetUsd} }
    max_concurrent: 64
    max_queued: 1000
    headroom_floor: 0%
`
}

function nginx(site: Site, nodeFlags: readonly string[]): Command | string {
  if (nodeFlags.length > 0) return 'it does not run on Node'
  if (spawnSync('nginx', ['-v']).status !== 0) return 'not installed here'
  const file = join(site.directory, 'nginx.conf')
  mkdirSync(join(site.directory, 'logs'))
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${site.directory}/nginx.pid; error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${site.directory}/body; proxy_temp_path ${site.directory}/proxy;
  fastcgi_temp_path ${site.directory}/fastcgi; uwsgi_temp_path ${site.directory}/uwsgi; scgi_temp_path ${site.directory}/scgi;
  keepalive_requests 100000000;
  upstream provider { server 127.0.0.1:${site.upstreamPort}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${site.port} backlog=1024;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off; }
  }
}
`,
  )
  return { command: 'nginx', args: ['-p', site.directory, '-c', file] }
}
