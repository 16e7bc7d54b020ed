import { dirname, relative, resolve, sep } from 'node:path'
import {
  homesOf,
  layerOf,
  LIBRARY_HOMES,
  MAY_IMPORT,
  ownsItsProcess,
  packageOf,
  PURE_NODE_MODULES,
  WORLD_LAYERS,
  type Layer,
} from './house.ts'

/** The few facts of a syntax node that these rules look at. */
type Node = { readonly type: string; readonly value?: unknown; readonly name?: string }
type Imports = Node & {
  readonly source: Node | null
  readonly specifiers?: readonly (Node & { readonly imported?: Node })[]
}
type Member = Node & { readonly object: Node; readonly property: Node; readonly computed: boolean }
type Call = Node & { readonly callee: Node; readonly arguments: readonly Node[] }

type Context = {
  readonly filename: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly report: (diagnostic: { readonly message: string; readonly node: Node }) => void
}

/** Where the file being linted stands. `layer` is undefined outside `src`. */
type Place = { readonly root: string; readonly path: string; readonly layer: Layer | undefined }

const layers = {
  create(context: Context) {
    const { root, path, layer } = placeOf(context)
    if (!path.startsWith('src/')) return {}
    if (layer === undefined) {
      return {
        Program: (node: Node) =>
          context.report({
            node,
            message: `${path} belongs to no layer. Known: ${Object.keys(MAY_IMPORT).join(', ')}.`,
          }),
      }
    }
    return onImport((specifier, node) => {
      if (!specifier.startsWith('.')) return
      const target = slashed(relative(root, resolve(root, dirname(path), specifier)))
      const targetLayer = layerOf(target)
      if (targetLayer === layer || target.endsWith('.json')) return
      if (targetLayer === undefined) {
        context.report({ node, message: `${layer} imports ${target}, which is outside the house: move it into src.` })
      } else if (!MAY_IMPORT[layer].includes(targetLayer)) {
        const allowed = MAY_IMPORT[layer].join(', ') || 'nothing outside itself'
        context.report({
          node,
          message: `${layer} may not import ${targetLayer} (it may import: ${allowed}). Meet through a type in domain/ports.ts and wire it in compose.ts.`,
        })
      }
    })
  },
}

const libraryHomes = {
  create(context: Context) {
    const { layer } = placeOf(context)
    if (layer === undefined) return {}
    return onImport((specifier, node) => {
      if (specifier.startsWith('.')) return
      if (specifier.startsWith('node:')) {
        if (layer !== 'domain' || PURE_NODE_MODULES.some((pure) => pure === specifier)) return
        context.report({ node, message: `domain is pure and may not import ${specifier}.` })
        return
      }
      const name = packageOf(specifier)
      const homes = homesOf(name)
      if (homes === undefined) {
        const known = Object.keys(LIBRARY_HOMES).join(', ')
        context.report({ node, message: `${name} has no home. Give it one in test/lint/house.ts. Known: ${known}.` })
      } else if (!homes.includes(layer)) {
        context.report({ node, message: `${name} lives in ${homes.join(', ')}; ${layer} may not import it.` })
      }
    })
  },
}

const CLOCK_AND_DICE: Readonly<Record<string, readonly string[]>> = {
  Math: ['random'],
  Date: ['now'],
  performance: ['now', 'timeOrigin'],
  crypto: ['randomUUID'],
  process: ['hrtime', 'uptime'],
}

const world = {
  create(context: Context) {
    const { layer } = placeOf(context)
    if (layer === undefined || WORLD_LAYERS.includes(layer)) return {}
    const refuse = (node: Node, what: string) =>
      context.report({ node, message: `${what}: the clock and every id come in as values (World in domain/ports.ts).` })
    return {
      MemberExpression: (node: Member) => {
        const property = propertyName(node)
        if (property !== undefined && CLOCK_AND_DICE[node.object.name ?? '']?.includes(property)) {
          refuse(node, `${node.object.name}.${property}`)
        }
      },
      NewExpression: (node: Call) => {
        if (node.callee.name === 'Date' && node.arguments.length === 0) refuse(node, 'new Date()')
      },
      CallExpression: (node: Call) => {
        if (node.callee.name === 'Date') refuse(node, 'Date()')
      },
      ImportDeclaration: (node: Imports) => {
        for (const specifier of node.specifiers ?? []) {
          const name = specifier.imported?.name
          if (name === 'randomUUID' || name === 'performance') refuse(specifier, name)
        }
      },
    }
  },
}

/** What a spoke may ask its process: facts that do not change, and nothing that reaches the outside. */
const PROCESS_FACTS = [
  'pid',
  'ppid',
  'platform',
  'arch',
  'execPath',
  'version',
  'versions',
  'memoryUsage',
  'nextTick',
  'kill',
  'report',
  'getuid',
]

const ownProcess = {
  create(context: Context) {
    const { path, layer } = placeOf(context)
    if (layer === undefined || ownsItsProcess(path)) return {}
    return {
      MemberExpression: (node: Member) => {
        if (node.object.name !== 'process') return
        const property = propertyName(node)
        if (property !== undefined && [...PROCESS_FACTS, ...(CLOCK_AND_DICE['process'] ?? [])].includes(property))
          return
        context.report({
          node,
          message: `process.${property ?? '[…]'} belongs to main.ts, cli/ and compose.ts: take what it gives as an argument.`,
        })
      },
    }
  },
}

const noBarrels = {
  create(context: Context) {
    if (placeOf(context).layer === undefined) return {}
    return {
      ExportAllDeclaration: (node: Node) =>
        context.report({ node, message: 'No barrels: import from the file that owns the export.' }),
    }
  },
}

/** Calls `visit` for each way in which a file names another module: static, re-exported, dynamic, required, as a type. */
function onImport(visit: (specifier: string, node: Node) => void) {
  const literal = (source: Node | null | undefined, node: Node) => {
    if (source?.type === 'Literal' && typeof source.value === 'string') visit(source.value, node)
  }
  const fromSource = (node: Imports) => literal(node.source, node)
  return {
    ImportDeclaration: fromSource,
    ExportNamedDeclaration: fromSource,
    ExportAllDeclaration: fromSource,
    ImportExpression: fromSource,
    TSImportType: fromSource,
    CallExpression: (node: Call) => {
      if (node.callee.name === 'require') literal(node.arguments[0], node)
    },
  }
}

function placeOf(context: Context): Place {
  const house = context.settings['house']
  if (typeof house !== 'object' || house === null || !('root' in house) || typeof house.root !== 'string') {
    throw new Error('The house rules need settings.house.root, the absolute path of the directory that holds src.')
  }
  const path = slashed(relative(house.root, context.filename))
  return { root: house.root, path, layer: layerOf(path) }
}

function propertyName(node: Member): string | undefined {
  if (!node.computed) return node.property.name
  return typeof node.property.value === 'string' ? node.property.value : undefined
}

function slashed(path: string): string {
  return path.split(sep).join('/')
}

/** Rules of this house that no stock linter knows. The default export is what oxlint loads. */
export default {
  meta: { name: 'house' },
  rules: {
    layers,
    'library-homes': libraryHomes,
    world,
    process: ownProcess,
    'no-barrels': noBarrels,
  },
}
