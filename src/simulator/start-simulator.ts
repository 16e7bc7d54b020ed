import { createServer } from 'node:http'
import type { Closable } from '../domain/ports.ts'
import type { EpochMs, MonotonicMs } from '../domain/units.ts'
import { createCanned } from './canned.ts'
import { DEFAULT_CATALOGUE } from './catalogue.ts'
import { handleRequest } from './handle-request.ts'
import type { Manners } from './manners.ts'
import { aModel, type SimulatedModel } from './model.ts'
import { createPlaybill, type Playbill } from './playbill.ts'
import { createPromptCache } from './prompt-cache.ts'
import { createRequestLog, ReceivedRequest } from './request-log.ts'
import { createModelShelf, type Counters, type Simulation } from './simulation.ts'
import { echoWebSocket } from './websocket-echo.ts'

export type SimulatorOptions = {
  /** 127.0.0.1 unless told otherwise. */
  readonly host?: string
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** `DEFAULT_CATALOGUE` unless told otherwise. */
  readonly models?: readonly SimulatedModel[]
  /** The same seed and the same requests in the same order give the same answers and faults; 1 by default. */
  readonly seed?: number
  /** The only key accepted; without it any key will do. */
  readonly apiKey?: string
  /** How it differs from OpenAI, as others that speak like it do. */
  readonly manners?: Manners
  /** Right answers to questions of one's own. */
  readonly answers?: ReadonlyMap<string, string>
  /** How many requests `requests()` remembers; 256 by default. */
  readonly logLimit?: number
  /** Wall clock for `created` and rate-limit resets. */
  readonly now?: () => EpochMs
}

export type Simulator = Closable & {
  /** `http://127.0.0.1:41234`: OpenAI clients add `/v1`, Anthropic and Gemini clients use it as it is. */
  readonly url: string
  readonly port: number
  /** The last requests received, oldest first. */
  readonly requests: () => readonly ReceivedRequest[]
  /** The next request to arrive, as soon as its headers have. */
  readonly nextRequest: () => Promise<ReceivedRequest>
  readonly forgetRequests: () => void
  readonly counters: Readonly<Counters>
  /** Changes a model, or adds one. Takes effect with the next request. */
  readonly setModel: (name: string, changes: Partial<SimulatedModel>) => void
  /** The scenarios that are on; also at `SCENARIO_PATH` of the simulator's own port. */
  readonly playbill: Playbill
}

/** Starts a simulated provider; rejects where it cannot listen. `close` breaks open connections off. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, models = DEFAULT_CATALOGUE, seed = 1, logLimit = 256 } = options
  const monotonic = (): MonotonicMs => performance.now()
  const simulation: Simulation = {
    seed,
    models: createModelShelf(models),
    playbill: createPlaybill(seed, monotonic),
    answers: options.answers ?? new Map(),
    apiKey: options.apiKey,
    manners: options.manners,
    canned: createCanned(),
    cache: createPromptCache(),
    log: createRequestLog(logLimit),
    counters: {
      received: 0,
      answered: 0,
      clientClosed: 0,
      brokenOff: 0,
      openConnections: 0,
      connections: 0,
      statuses: new Map(),
      faults: new Map(),
      spent: new Map(),
    },
    now: options.now ?? Date.now,
    monotonic,
  }
  const { counters, log, playbill } = simulation

  // Idle connections stay: a provider that closes them first makes clients fail at random.
  const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) =>
    handleRequest(simulation, request, response),
  )
  server.on('connection', (socket) => {
    counters.connections += 1
    counters.openConnections += 1
    socket.on('close', () => (counters.openConnections -= 1))
  })
  const upgraded = new Set<{ readonly destroy: () => unknown }>()
  server.on('upgrade', (request, socket, head) => {
    const received = new ReceivedRequest(request, monotonic())
    counters.received += 1
    log.add(received)
    upgraded.add(socket)
    echoWebSocket(request, socket, head, () => {
      upgraded.delete(socket)
      received.finish('answered', monotonic())
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address()
  const boundPort = typeof address === 'object' && address !== null ? address.port : port

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    requests: log.all,
    nextRequest: log.next,
    forgetRequests: log.clear,
    counters,
    playbill,
    setModel(name, changes) {
      simulation.models.put({ ...(simulation.models.find(name)?.model ?? aModel(name)), ...changes })
      simulation.canned.clear()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of upgraded) socket.destroy()
        server.closeAllConnections()
      }),
  }
}
