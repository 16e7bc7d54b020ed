import { recognise } from '../dialects/recognise.ts'
import type { Recognised } from '../domain/request.ts'
import { takesClientKey } from '../domain/server-key.ts'
import { clientKeySubject } from './read-request.ts'
import type { Turn } from './turn.ts'

/** What is asked of an answer of the Responses API by its id: it, its input, its end. The id is the second group. */
const OF_AN_ANSWER = /(\/responses\/([^/?]+)(?:\/\w+)?(?:\?.*)?)$/s

/**
 * A request for an answer that another provider than that of the mount keeps, as that one would be asked; undefined for
 * any other. Known is what this process has seen answered, of its own key's client alone; a provider that takes clients'
 * keys would get one that is not meant for it, and is not asked.
 */
export function keptElsewhere({ inbound, pins, state }: Turn, asked: Recognised): Recognised | undefined {
  if (asked.api !== 'passthrough' || asked.dialect !== 'openai') return undefined
  const [, path, id] = OF_AN_ANSWER.exec(inbound.url ?? '') ?? []
  const pin = id === undefined ? undefined : pins.find(id)
  if (pin === undefined || pin.provider === asked.provider || pin.key !== clientKeySubject(inbound.headers)) {
    return undefined
  }
  const { providers } = state.policy
  const keeper = providers.get(pin.provider)
  if (keeper === undefined || takesClientKey(keeper)) return undefined
  const found = recognise(inbound.method ?? '', `/p/${pin.provider}/v1${path}`, false, providers)
  return 'error' in found ? undefined : { ...found, path: asked.path }
}
