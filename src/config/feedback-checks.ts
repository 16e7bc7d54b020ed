import type { Finding, Loose } from './loose.ts'
import { parseTargetName } from './target-name.ts'
import { targetsAt } from './target-checks.ts'

/** Feedback beside weights that it can move, of targets that it can tell apart, with bounds that leave room. */
export function checkFeedback(file: Loose, name: string): Finding[] {
  const path = ['routes', name, 'feedback']
  if (!file.isSet(path)) return []
  const mode = file.at([...path, 'mode'])
  if (mode !== 'suggest' && mode !== 'apply') return []
  if (!file.isSet(['routes', name, 'targets'])) {
    return [{ path, at: 'key', text: 'expected it beside targets, whose weights it moves, found none' }]
  }
  return [...checkArms(file, name), ...checkReference(file, name), ...checkBounds(file, name)]
}

function checkArms(file: Loose, name: string): Finding[] {
  const findings = targetsAt(file, name).own.flatMap((target): Finding[] => {
    if (parseTargetName(target.name)?.model !== undefined) return []
    const text = `expected a target with a model, since models are what feedback compares, found ${file.found(target.path)}`
    return [{ path: target.path, at: 'value', text }]
  })
  const count = file.stepsAt(['routes', name, 'targets']).length
  if (count !== 1) return findings
  const text = 'expected at least two targets beside feedback, found one'
  return [...findings, { path: ['routes', name, 'targets'], at: 'value', text }]
}

function checkReference(file: Loose, name: string): Finding[] {
  const path = ['routes', name, 'feedback', 'reference']
  const reference = file.at(path)
  const known = targetsAt(file, name).own.map((target) => target.name)
  if (typeof reference !== 'string' || parseTargetName(reference) === undefined || known.includes(reference)) return []
  const text = `expected a target of this route (${known.join(', ')}) or a quality from 0 to 1, found ${file.found(path)}`
  return [{ path, at: 'value', text }]
}

function checkBounds(file: Loose, name: string): Finding[] {
  const path = ['routes', name, 'feedback']
  const [floor, ceiling] = ['floor', 'ceiling'].map((key) => percentOf(file.at([...path, key])))
  const count = file.stepsAt(['routes', name, 'targets']).length
  const findings: Finding[] = []
  if (floor !== undefined && floor * count > 100) {
    const text = `expected a floor that ${count} targets can have at once, at most ${Math.floor(100 / count)}%, found ${file.found([...path, 'floor'])}`
    findings.push({ path: [...path, 'floor'], at: 'value', text })
  }
  if (ceiling !== undefined && ceiling * count < 100) {
    const text = `expected a ceiling below which ${count} targets can take all requests, at least ${Math.ceil(100 / count)}%, found ${file.found([...path, 'ceiling'])}`
    findings.push({ path: [...path, 'ceiling'], at: 'value', text })
  }
  return findings
}

function percentOf(value: unknown): number | undefined {
  const [, digits] = (typeof value === 'string' ? /^([\d.]+)%$/.exec(value) : null) ?? []
  return digits === undefined ? undefined : Number(digits)
}
