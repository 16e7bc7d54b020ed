import type { ContentMode, ContentPolicy } from '../domain/content.ts'
import type { ConfigFile } from './schema.ts'

/** What a checked file says of prompts and answers. */
export function resolveContent(content: ConfigFile['content']): ContentPolicy {
  const { mode, redact } = content
  const routes = new Map(Object.entries(content.routes))
  const providers = new Map(Object.entries(content.providers))
  const rules = {
    builtIn: redact.built_in,
    patterns: Object.entries(redact.patterns).map(([name, { source, find }]) => ({
      name,
      source,
      find: (text: string) => find(text).map(({ from, to }) => ({ from, to, kind: name })),
    })),
    paths: redact.json_paths,
  }
  const modes: readonly ContentMode[] = [mode, ...routes.values(), ...providers.values()]
  return {
    mode,
    routes,
    providers,
    headChars: content.head,
    tailChars: content.tail,
    maxBytes: content.max_size,
    rules,
    isOn: modes.some((each) => each !== 'off'),
  }
}
