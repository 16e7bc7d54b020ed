import type { Path } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { checkTaskKeys, unknownName } from './match-checks.ts'
import { hasServerKey } from './server-key.ts'
import { targetsAt } from './target-checks.ts'
import { parseTargetName } from './target-name.ts'

const TARGET = ['judge', 'target']

/** A judge that cannot be asked or would judge itself, fields that are the proxy's to set, tasks that are not there. */
export function checkJudge(file: Loose): Finding[] {
  return [...checkTarget(file), ...checkParameters(file), ...checkTaskKeys(file, ['quality', 'minimum'])]
}

function checkTarget(file: Loose): Finding[] {
  const name = file.at(TARGET)
  const target = typeof name === 'string' ? parseTargetName(name) : undefined
  if (target === undefined) return []
  const fault = (text: string): Finding[] => [{ path: TARGET, at: 'value', text }]
  const found = file.found(TARGET)
  const { provider, model } = target
  if (model === undefined) return fault(`expected a model by its name, found ${found}: a judge is one model`)
  const known = file.stepsAt(['providers']).map(String)
  if (!known.includes(provider)) {
    return fault(unknownName(file, TARGET, provider, known, 'a provider of this file before the slash'))
  }
  if (file.at(['providers', provider, 'dialect']) === 'gemini') {
    return fault(`expected a provider of the dialect openai or anthropic, found ${found}, which is gemini`)
  }
  if (!hasServerKey(file, provider)) {
    return fault(`expected a provider with an api_key in this file, found ${found}: no client pays for a judge`)
  }
  const arm = armsOf(file).find(({ name: other }) => parseTargetName(other)?.model === model)
  if (arm === undefined) return []
  const where = arm.path.slice(0, 2).join('.')
  return fault(`expected a model that does not answer itself, found ${found}, which is a target of ${where}`)
}

/** Every model that answers by way of a route, a shadow or a rollout, and so may come before the judge. */
function armsOf(file: Loose): readonly { readonly path: Path; readonly name: string }[] {
  const routed = file.stepsAt(['routes']).flatMap((name) => {
    const { own, fallbacks } = targetsAt(file, String(name))
    return [...own, ...fallbacks]
  })
  const shadowed = file.stepsAt(['shadows']).flatMap((shadow) =>
    file.stepsAt(['shadows', shadow, 'candidates']).flatMap((step) => {
      const path = ['shadows', shadow, 'candidates', step]
      const name = file.at(path)
      return typeof name === 'string' ? [{ path, name }] : []
    }),
  )
  const tried = file.stepsAt(['rollouts']).flatMap((rollout) => {
    const path = ['rollouts', rollout, 'candidate']
    const name = file.at(path)
    return typeof name === 'string' ? [{ path, name }] : []
  })
  return [...routed, ...shadowed, ...tried]
}

/** What a judge's request is made of; `stream` and `n` would make its reply another. */
const OWN_FIELDS = [
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'model',
  'n',
  'response_format',
  'stream',
  'system',
  'tool_choice',
  'tools',
]

function checkParameters(file: Loose): Finding[] {
  return file.stepsAt(['judge', 'parameters']).flatMap((step) => {
    if (!OWN_FIELDS.includes(String(step))) return []
    const text = `expected a field that the proxy does not set itself, found ${String(step)}`
    return [{ path: ['judge', 'parameters', step], at: 'key' as const, text }]
  })
}
