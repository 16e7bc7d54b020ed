import { showKey } from './fault.ts'
import type { Finding, Loose } from './loose.ts'
import { checkMatch, checkProviderNames, unknownName } from './match-checks.ts'
import { parseTargetName } from './target-name.ts'

/** Names, candidates and conditions of the shadows. */
export function checkShadows(file: Loose): Finding[] {
  return file
    .stepsAt(['shadows'])
    .map(String)
    .flatMap((name) => checkShadow(file, name))
}

function checkShadow(file: Loose, name: string): Finding[] {
  const path = ['shadows', name]
  const expected = 'a name of at most 64 letters, digits, - and _ that starts with a letter'
  const isName = /^[A-Za-z][\w.-]{0,63}$/.test(name)
  const { dialect, findings } = checkCandidates(file, name)
  return [
    ...(isName ? [] : [{ path, at: 'key' as const, text: `expected ${expected}, found "${showKey(name)}"` }]),
    ...findings,
    ...checkMatch(file, [...path, 'match'], dialect),
    ...checkProviderNames(file, [...path, 'providers']),
  ]
}

/** Candidates whose provider is not there, may not see prompts, has no key, or speaks another dialect than the first. */
function checkCandidates(
  file: Loose,
  name: string,
): { readonly dialect: string | undefined; readonly findings: Finding[] } {
  const known = file.stepsAt(['providers']).map(String)
  const allowed = file.at(['shadows', name, 'providers'])
  const findings: Finding[] = []
  const seen = new Set<string>()
  let dialect: string | undefined
  for (const step of file.stepsAt(['shadows', name, 'candidates'])) {
    const path = ['shadows', name, 'candidates', step]
    const target = file.at(path)
    const provider = typeof target === 'string' ? parseTargetName(target)?.provider : undefined
    if (typeof target !== 'string' || provider === undefined) continue
    const fault = (text: string): void => void findings.push({ path, at: 'value', text })
    if (seen.has(target)) fault(`expected every candidate once, found ${file.found(path)} again`)
    seen.add(target)
    if (!known.includes(provider)) {
      fault(unknownName(file, path, provider, known, 'a provider of this file before the slash'))
      continue
    }
    if (Array.isArray(allowed) && !allowed.includes(provider)) {
      fault(`expected a provider that \`providers\` allows to see prompts, found ${file.found(path)}`)
    }
    const spoken = file.at(['providers', provider, 'dialect'])
    if (typeof spoken !== 'string') continue
    dialect ??= spoken
    if (spoken !== dialect) {
      fault(
        `expected a candidate of the dialect ${dialect}, as the first is, found ${file.found(path)}, which is ${spoken}: requests are not translated`,
      )
    }
  }
  return { dialect, findings }
}
