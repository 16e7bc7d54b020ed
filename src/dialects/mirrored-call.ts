import type { Provider } from '../domain/policy.ts'
import type { LlmRequest } from '../domain/request.ts'
import type { ModelFacts } from '../domain/routing/route.ts'
import { dropping, edited, replacing } from './edit-json.ts'
import { memberOf, scanObject } from './json-scan.ts'
import { pathAt } from './path-at.ts'
import type { MirrorContent } from '../domain/shadow/mirror-plan.ts'
import { promptContentOf } from './prompt-content.ts'
import { withoutQueryKey } from './query-key.ts'
import { readBody, spliced, withUsageAsked } from './read-body.ts'
import { retarget } from './retarget.ts'

/**
 * The call that puts a client's request to another model as well: nothing of it is stored at the provider, and no key
 * of the client's is in its path.
 */
export function mirroredCall(
  request: LlmRequest,
  body: Buffer,
  provider: Provider,
  model: string,
  facts: ModelFacts | undefined,
): { readonly path: string; readonly body: Buffer; readonly adaptations: readonly string[] } {
  const { path, inPath } = pathAt(provider, request, model)
  const call = retarget({ api: request.api, path, inPath, body }, model, facts)
  const asks = readBody(request.api, call.body, provider.supportsIncludeUsage).shape.injectsUsage
  const unstored = withoutStoring(request.api, call.body, provider.refuses)
  return {
    path: withoutQueryKey(call.path),
    body: asks ? withUsageAsked(unstored) : unstored,
    adaptations: call.adaptations,
  }
}

/**
 * The Responses API stores unless it is told not to. Chat completions store only when asked, and take `metadata` only
 * with it ("The 'metadata' parameter is only allowed when 'store' is enabled").
 */
function withoutStoring(api: LlmRequest['api'], bytes: Buffer, refuses: readonly string[]): Buffer {
  const body = scanObject(bytes)
  if (body === undefined) return bytes
  const stores = body.members.filter(({ key }) => key === 'store')
  if (api === 'responses' && !refuses.includes('store')) {
    if (stores.length > 0)
      return edited(
        bytes,
        stores.map((member) => replacing(member, 'false')),
      )
    return spliced(bytes, body.close, body.close, body.members.length === 0 ? '"store":false' : ',"store":false')
  }
  if (api !== 'chat_completions' || memberOf(body, 'store') === undefined) return bytes
  const dropped = new Set(body.members.filter(({ key }) => key === 'store' || key === 'metadata'))
  return edited(bytes, dropping(body, dropped))
}

/** What a decoded body says about whether it may be sent a second time; undefined where it cannot be read. */
export function mirrorContent(api: LlmRequest['api'], body: Buffer): MirrorContent | undefined {
  const prompt = promptContentOf(api, body)
  if (prompt === undefined) return undefined
  const { isBackground, hasHostedTools, hasStoredConversation, hasFiles, tools, turns } = prompt
  return {
    isBackground,
    hasHostedTools,
    hasStoredConversation,
    hasFiles,
    hasTools: tools.length > 0,
    hasAssistantTurn: turns.some(({ role }) => role !== 'user'),
  }
}
