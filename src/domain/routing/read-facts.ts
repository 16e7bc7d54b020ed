import type { LlmRequest } from '../request.ts'
import type { EpochMs } from '../units.ts'
import type { Facts, PromptFacts, StoredState } from './facts.ts'
import type { Pin } from './pins.ts'
import type { Need } from './route.ts'
import type { Router } from './router.ts'
import { stickyUnit } from './sticky-unit.ts'

/** Longest value of a header that is kept; a longer one is cut, so that no record is larger than its request. */
const MAX_HEADER_CHARS = 256

/** Reads a header by its lower-case name; the first value of one that came more than once. */
type ReadHeader = (name: string) => string | undefined

/**
 * All that routing knows of `request`. `prompt` may be undefined where the router does not read it, and where the body
 * could not be read. `pin`: of the answer that the request goes on from.
 */
export function readFacts(
  request: LlmRequest,
  header: ReadHeader,
  prompt: PromptFacts | undefined,
  router: Router,
  at: EpochMs,
  pin?: Pin,
): Facts {
  const { controls, client, shape } = request
  const { reads } = router
  return {
    provider: request.provider,
    dialect: request.dialect,
    api: request.api,
    path: request.path,
    model: request.model,
    routeAsked: controls.route,
    headers: router.headerNames.length === 0 ? NO_HEADERS : readHeaders(header, router.headerNames),
    key: client.keySubject,
    team: controls.team,
    user: controls.user ?? shape.endUser,
    tags: controls.tags,
    labels: router.labels(controls, prompt),
    // What was not asked for reads 0 or empty, which must not be taken for a fact.
    inputTokens: reads?.inputTokens === true ? prompt?.inputTokens : undefined,
    maxOutputTokens: prompt?.maxOutputTokens,
    turn: reads?.turn === true ? prompt?.turn : undefined,
    needs: (reads?.needs === true ? prompt?.needs : undefined) ?? needsOf(request),
    isStream: request.isStream,
    at,
    unit: stickyUnit(request, prompt, pin),
    stored: storedState(request, prompt, pin),
  }
}

function storedState(
  { provider, shape }: LlmRequest,
  prompt: PromptFacts | undefined,
  pin: Pin | undefined,
): StoredState | undefined {
  if (pin !== undefined) return { provider: pin.provider }
  if (prompt?.namesStored === true) return { provider }
  return shape.previousResponseId === undefined ? undefined : { provider: undefined }
}

const NO_HEADERS: Readonly<Record<string, string>> = {}

function readHeaders(header: ReadHeader, names: readonly string[]): Readonly<Record<string, string>> {
  const entries = names.flatMap((name) => {
    const value = header(name)
    return value === undefined ? [] : [[name, value.slice(0, MAX_HEADER_CHARS)] as const]
  })
  return entries.length === 0 ? NO_HEADERS : Object.fromEntries(entries)
}

/** What is known without reading the prompt. */
function needsOf({ shape }: LlmRequest): readonly Need[] {
  if (!shape.hasTools && !shape.hasSchema) return NO_NEEDS
  return [...(shape.hasTools ? (['tools'] as const) : []), ...(shape.hasSchema ? (['json_schema'] as const) : [])]
}

const NO_NEEDS: readonly Need[] = []
