import { z } from 'zod'
import { KEY_FORMS, RATE_LIMIT_HEADERS, STATED_COSTS } from '../domain/provider-traits.ts'
import { apiPath } from './api-path.ts'
import { auditsShape } from './audit-schema.ts'
import { baseUrl, storeUrl } from './base-url.ts'
import { contentSection } from './content-schema.ts'
import { headerValue } from './header.ts'
import { healthSection } from './health-schema.ts'
import { kindName } from './kind-name.ts'
import {
  choice,
  durationMs,
  flag,
  listenAddress,
  password,
  priceUsd,
  secret,
  sizeBytes,
  text,
  wholeDays,
  wholeNumber,
  workerCount,
} from './leaves.ts'
import { rolloutsShape } from './rollout-schema.ts'
import { routingShape } from './routing-schema.ts'
import { scoringShape } from './scoring-schema.ts'
import { section } from './section.ts'
import { shadowsShape } from './shadow-schema.ts'

/** What 1 USD per million tokens is in pico-dollars per token. */
const PER_MILLION_TOKENS = 1_000_000n
/** What 1 USD per thousand searches is in pico-dollars per search. */
const PER_THOUSAND_SEARCHES = 1_000_000_000n

const tokenPrice = (): z.ZodOptional<z.ZodType<number>> => priceUsd('million tokens', PER_MILLION_TOKENS).optional()

const name = (): z.ZodType<string> => text('a name in quotes', /\S/)

const originName = (): z.ZodType<string> =>
  text('an origin such as https://app.example.com or http://localhost:3000', /^[a-z][a-z\d+.-]*:\/\/[^\s/]+$/i)

const hostName = (): z.ZodType<string> =>
  text('a host name without a port, such as llm.example.com', /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i)

const providerLimits = section({
  max_concurrent: wholeNumber(1, 100_000).prefault(512).describe('Calls under way at the same time.'),
  max_queued: wholeNumber(0, 100_000)
    .prefault(512)
    .describe('Requests that may wait for a free slot; more are answered 503.'),
  queue_timeout: durationMs().prefault('10s').describe('Longest wait for a free slot, then 503.'),
})

const providerTimeouts = section({
  connect: durationMs().prefault('10s').describe('To an open connection.'),
  first_byte: durationMs().prefault('600s').describe("From the request sent to the answer's first header byte."),
  idle: durationMs().prefault('300s').describe('Longest silence inside an answer.'),
})

const provider = section({
  kind: kindName()
    .optional()
    .describe('What is known of it: fills in the other keys. Default: its name, where it has no base_url.'),
  dialect: choice(['openai', 'anthropic', 'gemini']).describe('Whose wire format it speaks.'),
  base_url: baseUrl().describe("Origin and path prefix, without /v1 or /v1beta: the client's own path supplies that."),
  api_key: secret().optional().describe("Server-side key. Without one, the client's own key is forwarded."),
  auth: choice(KEY_FORMS)
    .optional()
    .describe("How api_key goes up. none: no key does, the client's neither. Default: the dialect's own header."),
  priced_as: name()
    .optional()
    .describe("The price library's name of this provider. Default: its name here, or google for the gemini dialect."),
  include_usage: flag()
    .optional()
    .describe('Whether it understands stream_options.include_usage. Default: what its kind says, else false.'),
  paths: z
    .record(z.string(), apiPath(), { error: 'a mapping of path prefixes' })
    .optional()
    .describe("Where clients find its API, and what goes upstream instead. '*': the model. Default: /v1, as it is."),
  stated_cost: choice(['none', ...STATED_COSTS])
    .optional()
    .describe('Where its usage states what was charged, which then is the cost. Default: none.'),
  rate_limit_headers: choice(['none', ...RATE_LIMIT_HEADERS])
    .optional()
    .describe('Whose names its rate-limit headers have. Default: none known.'),
  refuses: z
    .array(name(), { error: 'a list of body fields' })
    .optional()
    .describe('Fields of a request body that it answers with an error. Bodies go up as they came all the same.'),
  headers: z
    .record(z.string(), headerValue(), { error: 'a mapping' })
    .prefault({})
    .describe('Extra request headers, set on every call.'),
  trace_context: choice(['forward', 'propagate', 'strip'])
    .prefault('forward')
    .describe("The client's traceparent and tracestate: sent on, made to name our own span, or left out."),
  limits: providerLimits.prefault({}),
  timeouts: providerTimeouts.prefault({}),
})

const price = section({
  provider: name().prefault('*').describe("A provider of this file, or '*' for any."),
  model: name().describe("The model's name, or a pattern with * in it."),
  service_tier: name()
    .optional()
    .describe("The provider's service tier it holds for, or '*' for any. Default: the normal tier."),
  input: tokenPrice().describe('USD per million input tokens that no cache was involved in.'),
  cache_read: tokenPrice().describe('USD per million input tokens read from a prompt cache.'),
  cache_write_5m: tokenPrice().describe('USD per million input tokens written to a cache that lives 5 minutes.'),
  cache_write_1h: tokenPrice().describe('USD per million input tokens written to a cache that lives 1 hour.'),
  audio_input: tokenPrice().describe('USD per million audio input tokens.'),
  output: tokenPrice().describe('USD per million output tokens.'),
  reasoning: tokenPrice().describe('USD per million reasoning tokens. Default: the price of output.'),
  audio_output: tokenPrice().describe('USD per million audio output tokens.'),
  web_search: priceUsd('thousand searches', PER_THOUSAND_SEARCHES)
    .optional()
    .describe('USD per thousand web searches.'),
})

const admin = section({
  listen: listenAddress()
    .prefault('127.0.0.1:8788')
    .describe('Metrics, health, admin API and console. Fixed at start.'),
  token: secret().optional().describe('Bearer token with full rights; required on any address but loopback.'),
  read_token: secret().optional().describe('Bearer token that may only read.'),
})

const store = section({
  kind: choice(['embedded', 'url', 'none'])
    .optional()
    .describe(
      'embedded: a ClickHouse engine of our own. url: your server. none: record nothing. Default: url if url is set, else embedded.',
    ),
  port: wholeNumber(0, 65_535).optional().describe('embedded: HTTP port, the next free one if taken. Default 8123.'),
  max_memory: sizeBytes(1_500_000_000).optional().describe('embedded: memory the engine may use. Default 2GB.'),
  url: storeUrl().optional().describe('url: HTTP address of the server.'),
  username: name().optional().describe('url: Default "default".'),
  password: password().optional().describe('url: Default: empty.'),
  database: text('a database name of letters, digits and _', /^[A-Za-z_]\w{0,62}$/)
    .optional()
    .describe('url: Default "understudy".'),
  cluster: text('the name of a ClickHouse cluster, of letters, digits, - and _', /^[\w-]{0,63}$/)
    .optional()
    .describe(
      'url: a cluster of its config, on which tables are made Replicated and Distributed. Default, also where empty: one server.',
    ),
})

/** The config file: every key there is, how it is written, and its default. Keys that cross-check live elsewhere. */
export const fileSchema = section({
  listen: listenAddress().prefault('127.0.0.1:8787').describe('Where applications connect. Fixed at start.'),
  workers: workerCount()
    .prefault(1)
    .describe('Processes that serve `listen`, or auto for one per core. Limits hold for their sum. Fixed at start.'),
  admin: admin.prefault({}),
  data_dir: text('a directory, without ~ (write ${HOME})', /^[^~\0][^\0]*$/)
    .prefault('.understudy')
    .describe('Spool, embedded store and run.json; relative to where the proxy is started. Fixed at start.'),
  store: store.prefault({}).describe('Where the records go. Fixed at start.'),
  spool: section({
    max_size: sizeBytes(16_000_000)
      .prefault('4GB')
      .describe('Records kept on disk while the store is away; beyond it the oldest are dropped and counted.'),
  }).prefault({}),
  shutdown_deadline: durationMs()
    .prefault('30s')
    .describe('How long answers under way may still run after a stop signal.'),
  decider: section({
    tick: durationMs().prefault('60s').describe('Between two looks at each rollout.'),
    speed: wholeNumber(1, 1_000_000)
      .prefault(1)
      .describe('By which all times of all rollouts are divided: for demonstrations, never for real traffic.'),
  })
    .prefault({})
    .describe('How rollouts are decided. Fixed at start.'),
  providers: z
    .record(z.string(), provider, { error: 'a mapping of provider names' })
    .describe('The upstreams. Only this file can name one.'),
  limits: section({
    max_body: sizeBytes(1)
      .prefault('64MB')
      .describe('Largest body of a recognised request; other paths are streamed, unlimited.'),
    body_timeout: durationMs().prefault('120s').describe('Longest time a body may take to arrive.'),
  }).prefault({}),
  access: section({
    allowed_origins: z
      .array(originName(), { error: 'a list of origins' })
      .prefault([])
      .describe(
        'Web pages that may call providers whose key is kept here. Programs that are no browser need no entry.',
      ),
    allowed_hosts: z
      .array(hostName(), { error: 'a list of host names' })
      .prefault([])
      .describe('With a loopback listen: further names in the Host header that may do so.'),
  }).prefault({}),
  prices: z
    .array(price, { error: 'a list of prices' })
    .prefault([])
    .describe('Your own prices; they win over the built-in price library.'),
  ...routingShape,
  ...shadowsShape,
  ...rolloutsShape,
  ...scoringShape,
  ...auditsShape,
  health: healthSection
    .prefault({})
    .describe('When a target of a route is passed over, and how it comes back. One section for all targets.'),
  content: contentSection.prefault({}),
  retention: section({
    traces: wholeDays().prefault('90d'),
    attempts: wholeDays().prefault('90d'),
    contents: wholeDays().prefault('14d').describe('Prompts and answers, where content says that they are kept.'),
    quarantine: wholeDays().prefault('30d').describe('Rows that the store refused.'),
    rollup_minutes: wholeDays().prefault('90d').describe('Sums and quantiles per minute.'),
    rollup_hours: wholeDays().prefault('730d').describe('Sums and quantiles per hour.'),
  })
    .prefault({})
    .describe('How long rows are kept.'),
  log: section({
    level: choice(['debug', 'info', 'warn', 'error']).prefault('info'),
    requests: flag().prefault(true).describe('One line per request.'),
  }).prefault({}),
})

/** A config file whose every value is right on its own. */
export type ConfigFile = z.output<typeof fileSchema>
