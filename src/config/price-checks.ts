import type { Finding, Loose } from './loose.ts'
import { nearest } from './nearest.ts'

const NOT_RATES = ['provider', 'model', 'service_tier']

/** Prices of providers that are not there, without a price, or given twice. */
export function checkPrices(file: Loose): Finding[] {
  const known = file.stepsAt(['providers']).map(String)
  const findings: Finding[] = []
  const seen = new Map<string, string | number>()
  for (const step of file.stepsAt(['prices'])) {
    const path = ['prices', step]
    const provider = file.at([...path, 'provider']) ?? '*'
    if (typeof provider === 'string' && provider !== '*' && !known.includes(provider)) {
      const near = nearest(provider, known)
      const hint = near === undefined ? '' : `. Did you mean "${near}"?`
      const text = `expected a provider of this file (${known.join(', ')}) or '*', found ${file.found([...path, 'provider'])}${hint}`
      findings.push({ path: [...path, 'provider'], at: 'value', text })
    }
    const keys = file.stepsAt(path)
    if (keys.includes('model') && keys.every((key) => NOT_RATES.includes(String(key)))) {
      findings.push({ path, at: 'value', text: 'expected at least one price, such as input: 2.5, found none' })
    }
    const subject = JSON.stringify([provider, file.at([...path, 'model']), file.at([...path, 'service_tier'])])
    const first = seen.get(subject)
    if (first !== undefined) {
      const text = `expected one price per provider, model and service tier, found one for the same as prices[${first}], which wins`
      findings.push({ path, at: 'value', text })
    } else seen.set(subject, step)
  }
  return findings
}
