/** The house as ARCHITECTURE.md draws it, as data: which layers there are, and where each library lives. */

/** Imported by everyone; `domain` imports nothing outside itself, the other two import only `domain`. */
export const CORE = ['domain', 'config', 'dialects'] as const

/** Import core and packages, never each other. */
export const SPOKES = [
  'gateway',
  'health',
  'upstream',
  'pricing',
  'catalogue',
  'telemetry',
  'store',
  'workers',
  'admin',
  'simulator',
  'shadow',
  'evaluate',
  'rollout',
  'feedback',
  'learn',
] as const

/** Where the spokes meet. Nothing imports the hub but the hub. */
export const HUB = ['cli', 'compose', 'main', 'bin'] as const

export type Layer = (typeof CORE)[number] | (typeof SPOKES)[number] | (typeof HUB)[number]

/** Layers that each layer may import besides itself. */
export const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  domain: [],
  config: ['domain'],
  dialects: ['domain'],
  ...spokes(),
  compose: [...CORE, ...SPOKES],
  cli: [...CORE, ...SPOKES, 'compose'],
  main: [...CORE, ...SPOKES, 'compose', 'cli'],
  bin: ['main'],
}

/**
 * Each library has one home, so that replacing it touches one room. A name that ends with `/` stands for the whole
 * scope. Packages that are not listed are refused in `src`: a new dependency gets its home here first.
 */
export const LIBRARY_HOMES: Readonly<Record<string, readonly Layer[]>> = {
  express: ['gateway', 'admin'],
  undici: ['upstream'],
  'http-proxy-middleware': ['upstream'],
  '@clickhouse/client': ['store'],
  chdb: ['store'],
  'ffi-rs': ['store'],
  '@opentelemetry/': ['telemetry'],
  '@prometheus-io/client': ['telemetry'],
  zod: ['config'],
  yaml: ['config'],
  '@pydantic/genai-prices': ['pricing'],
  'eventsource-parser': ['dialects'],
  helmet: ['admin'],
  'gpt-tokenizer': ['dialects'],
  ajv: ['evaluate'],
  re2js: ['evaluate', 'config'],
  'franc-min': ['evaluate'],
  commander: ['cli'],
  'cli-table3': ['cli'],
  // The demo sends its traffic with the SDKs that applications use.
  openai: ['cli'],
  '@anthropic-ai/sdk': ['cli'],
}

/** Node modules that even the pure domain may use: they compute, and touch nothing. */
export const PURE_NODE_MODULES = ['node:crypto', 'node:buffer'] as const

/** Layers that may look at the clock and draw random numbers; everyone else is given a `World`. */
export const WORLD_LAYERS: readonly Layer[] = ['compose', 'main', 'simulator']

/** Layers that may touch `process`: arguments, environment, signals, exit code. */
export const PROCESS_LAYERS: readonly Layer[] = ['main', 'cli', 'compose', 'bin']

/** Files that are the `main` of a child process or worker thread of their own, told by their name. */
const CHILD_MAIN = /[/-](sidecar|worker|process)\.[cm]?[jt]s$/

/** The layer of a file, given its path relative to the house's root; undefined for a file that is in none. */
export function layerOf(path: string): Layer | undefined {
  const [top, second] = path.replaceAll('\\', '/').split('/')
  const name = top === 'src' ? second?.replace(/\.[cm]?[jt]s$/, '') : undefined
  return [...CORE, ...SPOKES, ...HUB].find((layer) => layer === name)
}

/** Whether the file may touch `process`, given its path relative to the house's root. */
export function ownsItsProcess(path: string): boolean {
  const layer = layerOf(path)
  return CHILD_MAIN.test(path) || (layer !== undefined && PROCESS_LAYERS.includes(layer))
}

/** The package that a bare specifier names: `@a/b/c` → `@a/b`, `x/y` → `x`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Layers where a package may be imported; undefined = it has no home yet. */
export function homesOf(packageName: string): readonly Layer[] | undefined {
  const scope = `${packageName.split('/')[0]}/`
  return LIBRARY_HOMES[packageName] ?? LIBRARY_HOMES[scope]
}

function spokes(): Record<(typeof SPOKES)[number], readonly Layer[]> {
  return {
    gateway: CORE,
    health: CORE,
    upstream: CORE,
    pricing: CORE,
    catalogue: CORE,
    telemetry: CORE,
    store: CORE,
    workers: CORE,
    admin: CORE,
    simulator: CORE,
    shadow: CORE,
    evaluate: CORE,
    rollout: CORE,
    feedback: CORE,
    learn: CORE,
  }
}
