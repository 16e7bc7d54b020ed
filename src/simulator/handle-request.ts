import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dialect } from '../domain/request.ts'
import { answerText } from './answer-text.ts'
import { respondError, respondWhole, type Call } from './call.ts'
import { decodeBody } from './content-encoding.ts'
import { idText } from './draw.ts'
import { ENDPOINTS, type TextEndpoint, type ValueEndpoint } from './endpoints.ts'
import { NO_FAULTS, parseFaults } from './faults.ts'
import { geminiCallAt, isGeminiPath, type GeminiCall } from './gemini-endpoints.ts'
import { fileBody } from './file-upload.ts'
import { isObject, parseJson, textOf } from './json.ts'
import { modelsBody } from './model-lists.ts'
import { homePath, refusedField, type Manners } from './manners.ts'
import {
  badEncoding,
  badJson,
  missingField,
  missingKey,
  missingVersion,
  promptTooLong,
  statusError,
  unknownModel,
  unknownPath,
  wrongKey,
  wrongMethod,
  wrongModel,
  type ApiError,
} from './provider-errors.ts'
import { KEPT_BODY_BYTES, ReceivedRequest } from './request-log.ts'
import { answerScenario, SCENARIO_PATH } from './scenario-endpoint.ts'
import { countUp, type ShelvedModel, type Simulation } from './simulation.ts'

/** Reads one request to its end, logs it and answers it as the provider of its path would. */
export function handleRequest(simulation: Simulation, request: IncomingMessage, response: ServerResponse): void {
  const { counters, log, monotonic } = simulation
  const received = new ReceivedRequest(request, monotonic())
  counters.received += 1
  const ordinal = counters.received
  log.add(received)
  response.on('close', () => {
    received.finish(response.writableFinished ? 'answered' : 'client_closed', monotonic())
    if (received.end?.how === 'answered') counters.answered += 1
    else if (received.end?.how === 'client_closed') counters.clientClosed += 1
    else counters.brokenOff += 1
    if (response.headersSent) countUp(counters.statuses, response.statusCode)
  })

  const chunks: Buffer[] = []
  let keptBytes = 0
  let bodyHash: Hash | undefined
  const asked = received.path.split('?', 1)[0] ?? ''
  const path = simulation.manners === undefined ? asked : (homePath(asked, simulation.manners) ?? '')
  const gemini = geminiCallAt(received.path)
  const endpoint = gemini?.endpoint ?? ENDPOINTS.get(path)
  request.on('data', (chunk: Buffer) => {
    received.bodyBytes += chunk.length
    if (endpoint === undefined) (bodyHash ??= createHash('sha256')).update(chunk)
    if (keptBytes > KEPT_BODY_BYTES && endpoint === undefined) return
    keptBytes += chunk.length
    chunks.push(chunk)
  })
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    received.body = body.length > KEPT_BODY_BYTES ? body.subarray(0, KEPT_BODY_BYTES) : body
    const dialect = endpoint?.dialect ?? dialectOf(path, request)
    const requestId =
      dialect === 'openai'
        ? `req_${idText(simulation.seed, ordinal, 32)}`
        : `req_011C${idText(simulation.seed, ordinal, 20)}`
    const call: Call = {
      simulation,
      request,
      response,
      received,
      dialect,
      isArray: gemini?.isArray ?? false,
      path,
      ordinal,
      requestId,
      readAtMs: monotonic(),
      faults: NO_FAULTS,
    }
    try {
      answerCall(call, endpoint, gemini, body, bodyHash)
    } catch (cause) {
      // A body nested deeper than the stack: a provider answers that with its own error and lives on.
      if (response.headersSent) response.destroy(new Error('the simulator failed to answer', { cause }))
      else respondError(call, statusError(dialect, 500))
    }
  })
}

function answerCall(
  call: Call,
  endpoint: TextEndpoint | ValueEndpoint | undefined,
  gemini: GeminiCall | undefined,
  body: Buffer,
  bodyHash: Hash | undefined,
): void {
  if (call.received.path === SCENARIO_PATH) {
    const { status, json } = answerScenario(call.simulation.playbill, call.received.method, body)
    return respondWhole(call, status, `${JSON.stringify(json)}\n`)
  }
  const forced = readForcedFaults(call)
  if (forced === undefined) return
  if (endpoint !== undefined) answerEndpoint(forced, endpoint, gemini, body)
  else answerElsewhere(forced, (bodyHash ?? createHash('sha256')).digest('hex'), body)
}

/** On paths that several have, a header of their own decides. */
function dialectOf(path: string, request: IncomingMessage): Dialect {
  if (isGeminiPath(path) || request.headers['x-goog-api-key'] !== undefined) return 'gemini'
  return path.startsWith('/v1/messages') || request.headers['anthropic-version'] !== undefined ? 'anthropic' : 'openai'
}

/** The call with the faults that `x-sim-fault` forces on it; undefined when that header was unreadable and is answered. */
function readForcedFaults(call: Call): Call | undefined {
  const header = call.request.headers['x-sim-fault']
  if (header === undefined) return call
  const faults = parseFaults(String(header))
  if (typeof faults === 'string') {
    respondError(call, {
      status: 400,
      type: 'invalid_request_error',
      message: `x-sim-fault: ${faults}`,
      param: null,
      code: null,
    })
    return undefined
  }
  countUp(call.simulation.counters.faults, String(header))
  return { ...call, faults }
}

function answerEndpoint(
  call: Call,
  endpoint: TextEndpoint | ValueEndpoint,
  gemini: GeminiCall | undefined,
  bytes: Buffer,
): void {
  const { simulation, request, dialect, path } = call
  const { manners } = simulation
  if (request.method !== 'POST') return respondError(call, wrongMethod(dialect, request.method ?? '', path))
  const refused = refuseKey(call)
  if (refused !== undefined) return respondError(call, refused)
  const encoding = request.headers['content-encoding'] ?? 'identity'
  const decoded = decodeBody(bytes, encoding)
  if (decoded === undefined) return respondError(call, badEncoding(dialect, encoding))
  const parsed = parseJson(decoded)
  if (!isObject(parsed)) return respondError(call, badJson(dialect))
  const extra = manners === undefined ? undefined : refusedField(parsed, manners)
  if (extra !== undefined) return respondError(call, extra)
  const body = gemini === undefined ? parsed : gemini.complete(parsed)
  const name = textOf(body['model'])
  if (name === undefined) return respondError(call, missingField(dialect, 'model'))
  const shelved = simulation.models.find(name)
  if (shelved === undefined || !shelved.model.speaks.includes(dialect))
    return respondError(call, unknownModel(dialect, name))
  const { model } = shelved
  if (model.does !== endpoint.does) return respondError(call, wrongModel(dialect, name))

  const befallen = call.faults === NO_FAULTS ? drawFaults(call, shelved) : call
  const { status, isTooLong } = befallen.faults
  if (status !== undefined) return respondError(befallen, statusError(dialect, status))
  if (isTooLong) return respondError(befallen, promptTooLong(dialect))
  if (endpoint.kind === 'text') return answerText(befallen, endpoint, body, model)
  const answer = endpoint.answer(body, model, simulation.seed)
  if (typeof answer === 'string') respondWhole(befallen, 200, answer, befallen.faults.firstByteMs ?? model.firstByteMs)
  else respondError(befallen, answer)
}

/** A scenario goes before the model's own faults. */
function drawFaults(call: Call, { model, nextFaults }: ShelvedModel): Call {
  const { playbill, seed } = call.simulation
  const models = [model.name, model.snapshot]
  const drawn = playbill.next({ models, key: keyOf(call) }) ?? nextFaults(seed)
  if (drawn.name === undefined) return call
  countUp(call.simulation.counters.faults, drawn.name)
  return { ...call, faults: drawn.faults }
}

/** The provider's word on a missing or wrong key, or on a missing version. */
function refuseKey(call: Call): ApiError | undefined {
  const { simulation, request, dialect } = call
  if (simulation.manners?.keyHeader === 'none') return undefined
  const key = keyOf(call)
  if (key === undefined) return missingKey(dialect)
  if (simulation.apiKey !== undefined && key !== simulation.apiKey) return wrongKey(dialect)
  return dialect === 'anthropic' && request.headers['anthropic-version'] === undefined ? missingVersion() : undefined
}

/** The key of a request: Anthropic takes two headers, Gemini the query too. */
function keyOf({ simulation: { manners }, request, dialect }: Call): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const header =
    manners !== undefined && manners.keyHeader !== 'authorization'
      ? request.headers[manners.keyHeader]
      : dialect === 'anthropic'
        ? request.headers['x-api-key']
        : dialect === 'gemini'
          ? (request.headers['x-goog-api-key'] ??
            URL.parse(request.url ?? '', 'http://simulator')?.searchParams.get('key'))
          : undefined
  return keyIn(header, bearer, manners)
}

/** A provider with manners takes a key nowhere else. */
function keyIn(header: unknown, bearer: string | undefined, manners: Manners | undefined): string | undefined {
  if (typeof header === 'string' && header !== '') return header
  return manners === undefined || manners.keyHeader === 'authorization' ? bearer : undefined
}

/** Model lists and file uploads; everything else is told back what arrived. */
function answerElsewhere(call: Call, sha256: string, body: Buffer): void {
  const { request, path, dialect, simulation, faults, received } = call
  const waitMs = faults.firstByteMs ?? 0
  if (path === '') return respondError(call, unknownPath(received.path))
  if (faults.status !== undefined) return respondError(call, statusError(dialect, faults.status))
  const model = /^\/v1(?:alpha|beta)?\/models(?:\/(.+))?$/.exec(path)
  if (model !== null && request.method === 'GET') {
    const refused = refuseKey(call)
    const list = refused ?? modelsBody(dialect, simulation.models.all(), model[1])
    return typeof list === 'string' ? respondWhole(call, 200, list, waitMs) : respondError(call, list)
  }
  if (path === '/v1/files' && request.method === 'POST') {
    const refused = refuseKey(call)
    if (refused !== undefined) return respondError(call, refused)
    const id = idText(simulation.seed, call.ordinal, 22)
    return respondWhole(
      call,
      200,
      fileBody(dialect, body, request.headers['content-type'] ?? '', id, simulation.now()),
      waitMs,
    )
  }
  const echo = {
    method: received.method,
    path: received.path,
    headers: received.rawHeaders,
    bytes: received.bodyBytes,
    sha256,
  }
  respondWhole(call, 200, JSON.stringify(echo), waitMs)
}
