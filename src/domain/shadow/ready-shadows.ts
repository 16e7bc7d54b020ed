import { isAuditQuestion } from '../audit.ts'
import { type Condition, holds } from '../routing/condition.ts'
import type { Facts, PromptFacts } from '../routing/facts.ts'
import { labellerOf } from '../routing/label.ts'
import { routeConditions } from '../routing/match.ts'
import { readFacts } from '../routing/read-facts.ts'
import type { TextMatch } from '../routing/route.ts'
import type { PromptReads, Router } from '../routing/router.ts'
import type { LlmRequest } from '../request.ts'
import type { Policy } from '../policy.ts'
import type { EpochMs, RequestId } from '../units.ts'
import { samplerOf } from './sampler.ts'
import type { Shadow } from './shadow.ts'

/** The shadows of a policy, made ready once. */
export type ReadyShadows = {
  readonly all: readonly ReadyShadow[]
  /** What their matches need of the prompt; undefined: it need not be read. */
  readonly reads: PromptReads | undefined
  /** Whether they match by headers or prompts, of which routing may not have taken note. */
  readonly needsOwnFacts: boolean
  /** The facts by which they match. */
  readonly factsOf: (
    request: LlmRequest,
    header: (name: string) => string | undefined,
    prompt: PromptFacts | undefined,
    at: EpochMs,
  ) => Facts
}

export type ReadyShadow = {
  readonly shadow: Shadow
  /** Whether a request is in the sample: only then is its answer worth keeping. */
  readonly samples: (id: RequestId) => boolean
  /** By what is known of any request: false means that no reading can make it match. */
  readonly mayMatch: (request: LlmRequest) => boolean
  /** Whether there is more to ask: `matches` need not be asked otherwise, nor the facts be made. */
  readonly hasConditions: boolean
  readonly matches: (facts: Facts, model: string | undefined) => boolean
}

const known = new WeakMap<Policy, ReadyShadows>()

/** The shadows of `policy`; the same value for the same policy. */
export function readyShadows(policy: Policy): ReadyShadows {
  const made = known.get(policy)
  if (made !== undefined) return made
  const ready = createShadows(policy)
  known.set(policy, ready)
  return ready
}

function createShadows(policy: Policy): ReadyShadows {
  const { shadows, routing } = policy
  const router: Router = {
    routes: [],
    byName: new Map(),
    labels: labellerOf(routing.labels),
    headerNames: [...new Set(shadows.flatMap(({ match }) => [...(match.headers?.keys() ?? [])]))],
    reads: promptReads(policy),
    isEmpty: false,
  }
  return {
    all: shadows.map(readyShadow),
    reads: router.reads,
    needsOwnFacts: router.headerNames.length > 0 || router.reads !== undefined,
    factsOf: (request, header, prompt, at) => readFacts(request, header, prompt, router, at),
  }
}

function readyShadow(shadow: Shadow): ReadyShadow {
  const conditions: readonly Condition[] = routeConditions(shadow)
  const { dialect, match } = shadow
  const { mounts, apis, isStream, ...others } = match
  return {
    shadow,
    samples: samplerOf(shadow),
    hasConditions: Object.values(others).some((each) => each !== undefined),
    mayMatch: (request) =>
      request.dialect === dialect &&
      (apis === undefined ? isGenerating(request) : apis.includes(request.api)) &&
      (mounts === undefined || mounts.includes(request.provider)) &&
      (isStream === undefined || isStream === request.isStream) &&
      // What is asked to find out about models is no traffic that another one could take over.
      !isAuditQuestion(request.controls),
    matches: (facts, model) => holds(conditions, { facts, model }),
  }
}

/** Embeddings are matched where they are named only, as by routes. */
function isGenerating({ api }: LlmRequest): boolean {
  return api !== 'embeddings' && api !== 'embed_content'
}

function promptReads({ shadows, routing }: Policy): PromptReads | undefined {
  const matches = shadows.map(({ match }) => match)
  const rules = [
    ...(matches.some(({ tasks }) => tasks !== undefined) ? routing.labels.task : []),
    ...(matches.some(({ complexities }) => complexities !== undefined) ? routing.labels.complexity : []),
  ].map(({ when }): TextMatch => when)
  const asked = [...matches, ...rules]
  const reads = {
    text: rules.some(
      ({ keywords, pattern, hasCode }) => keywords !== undefined || pattern !== undefined || hasCode !== undefined,
    ),
    inputTokens: asked.some(({ inputTokens }) => inputTokens !== undefined),
    turn: asked.some(({ turns }) => turns !== undefined),
    needs: asked.some(({ needs }) => needs !== undefined),
    conversation: false,
  }
  return Object.values(reads).includes(true) ? reads : undefined
}
