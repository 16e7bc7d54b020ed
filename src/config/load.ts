import type { z } from 'zod'
import type { Config } from '../domain/policy.ts'
import { crossCheck } from './cross-checks.ts'
import { type Fault, formatPath, type Path, type Problem, showKey } from './fault.ts'
import type { Environment } from './interpolate.ts'
import type { Finding, Loose } from './loose.ts'
import { nearest } from './nearest.ts'
import { resolveConfig } from './resolve.ts'
import { type ConfigFile, fileSchema } from './schema.ts'
import { keysAt } from './schema-path.ts'
import { readValues, valueAt, type Values } from './values.ts'
import { parseYaml, type YamlTree } from './yaml-tree.ts'

export type ConfigResult = { readonly config: Config } | { readonly faults: readonly Fault[] }

/** Above any real config file; a larger one is a mistake such as a log or an archive. */
const MAX_TEXT_LENGTH = 1_000_000

/**
 * Reads a config file's text. Gives the config, or every fault of the file at once, in the order of the file.
 * `fileName` is how faults call the file; `baseDir` is what relative paths start from. Never throws.
 */
export function parseConfig(text: string, fileName: string, environment: Environment, baseDir: string): ConfigResult {
  if (text.length > MAX_TEXT_LENGTH) {
    const expected = `expected a config file of at most ${MAX_TEXT_LENGTH} characters, found ${text.length}`
    return { faults: [{ file: fileName, line: 1, column: 1, path: '', text: expected }] }
  }
  const tree = parseYaml(text)
  const checked = check(tree, environment)
  if ('file' in checked) return { config: resolveConfig(checked.file, baseDir) }
  const faults = checked.problems
    .toSorted((a, b) => a.offset - b.offset)
    .map((problem) => toFault(problem, tree, fileName))
  return { faults }
}

function toFault(problem: Problem, tree: YamlTree, file: string): Fault {
  return { file, ...tree.place(problem.offset), path: formatPath(problem.path), text: problem.text }
}

function check(tree: YamlTree, environment: Environment): { file: ConfigFile } | { problems: readonly Problem[] } {
  const { root, syntax, structure } = tree
  if (root === undefined || (root.kind === 'scalar' && root.value === null)) {
    const empty = { offset: 0, path: [], text: 'expected a mapping with at least providers, found an empty file' }
    return { problems: syntax.length > 0 ? syntax : [empty] }
  }
  const values = readValues(root, fileSchema, environment)
  const parsed = fileSchema.safeParse(values.value)
  const known = [...structure, ...values.problems]
  const issues = schemaProblems(parsed.error?.issues ?? [], values, known)
  const firstSlip = syntax[0]
  if (firstSlip !== undefined) {
    // The value the slip is in, and all that follows, were read by guessing; what is missing may stand there.
    const before = [...known, ...issues.wrong].filter((problem) => (problem.end ?? problem.offset) < firstSlip.offset)
    return { problems: [...before, ...syntax] }
  }
  const findings = crossCheck(loose(values)).map((finding) => placed(finding, values))
  const problems = [...known, ...issues.wrong, ...issues.missing, ...findings]
  return parsed.success && problems.length === 0 ? { file: parsed.data } : { problems }
}

type SchemaProblems = { readonly wrong: readonly Problem[]; readonly missing: readonly Problem[] }

/** The schema's issues, without those at a place where something is already `known` to be wrong. */
function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  values: Values,
  known: readonly Problem[],
): SchemaProblems {
  const told = new Set(known.map((problem) => JSON.stringify(problem.path)))
  const wrong: Problem[] = []
  const missing: Problem[] = []
  for (const issue of issues) {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
    if (issue.code === 'unrecognized_keys') {
      wrong.push(...issue.keys.map((key) => unknownKey([...path, key], key, values)))
      continue
    }
    if (told.has(JSON.stringify(path))) continue
    const place = values.placeOf(path)
    const text = `expected ${issue.message}, found ${place?.found ?? 'nothing'}`
    if (place === undefined) missing.push({ offset: ancestorOffset(path, values), path, text })
    else if (place.found === 'nothing') missing.push({ offset: place.offset, path: place.path, text })
    else wrong.push({ offset: place.offset, end: place.end, path: place.path, text })
  }
  return { wrong, missing }
}

function unknownKey(path: Path, key: string, values: Values): Problem {
  const known = keysAt(fileSchema, path.slice(0, -1))
  const near = nearest(key, known)
  const hint = near === undefined ? '' : `. Did you mean "${near}"?`
  const text = `expected one of the keys ${known.join(', ')}, found "${showKey(key)}"${hint}`
  return { offset: values.placeOf(path)?.keyOffset ?? 0, path, text }
}

/** Where the nearest mapping around a missing key begins. */
function ancestorOffset(path: Path, values: Values): number {
  for (let length = path.length - 1; length > 0; length--) {
    const place = values.placeOf(path.slice(0, length))
    if (place !== undefined) return place.keyOffset
  }
  return 0
}

function placed(finding: Finding, values: Values): Problem {
  const place = values.placeOf(finding.path)
  const offset = finding.at === 'key' ? place?.keyOffset : place?.offset
  return { offset: offset ?? ancestorOffset(finding.path, values), path: finding.path, text: finding.text }
}

function loose(values: Values): Loose {
  const at = (path: Path): unknown => valueAt(values.value, path)
  return {
    at,
    stepsAt: (path) => {
      const found = at(path)
      if (typeof found !== 'object' || found === null) return []
      return Array.isArray(found) ? [...found.keys()] : Object.keys(found)
    },
    // A variable that is missing leaves a place without a value: what it stands for is still meant to be set.
    isSet: (path) => values.placeOf(path) !== undefined && at(path) !== '',
    found: (path) => values.placeOf(path)?.found ?? 'nothing',
  }
}
