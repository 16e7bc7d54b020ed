import type { RouteTarget } from '../domain/routing/route.ts'

/**
 * The target of `openai/gpt-4o` or, with the model as the client asks, `openai/*`; undefined for anything else. What is
 * behind the first slash is the model, further slashes included.
 */
export function parseTargetName(text: string): RouteTarget | undefined {
  const [, provider, model] = /^([^/]{1,64})\/([\x21-\x7e]{1,200})$/.exec(text) ?? []
  if (provider === undefined || model === undefined || (model.includes('*') && model !== '*')) return undefined
  return { key: text, provider, model: model === '*' ? undefined : model }
}
