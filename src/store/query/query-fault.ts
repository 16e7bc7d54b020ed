import { isKnownFunction } from './known-functions.ts'

// A query is judged by what the server itself understands: the lines of EXPLAIN AST, one per node of the syntax tree,
// indented by depth. Whatever a node is called, quoted or commented in the text, here it has its plain name. What is not
// known to be harmless is refused: functions, kinds of node and lines that read like none. A name with a line break in
// it makes lines of its own; such lines can add reasons to refuse and take none away, because every rule looks at one
// line alone and refuses.

const ONLY = 'Only one SELECT, WITH, EXPLAIN, DESCRIBE, SHOW TABLES or SHOW CREATE TABLE can be asked here.'

/**
 * The text of such a statement, after brackets and comments. Each step of the loop begins with a character that no other
 * step can, so that no text, however long, is tried in more than one way.
 */
const OPENING =
  /^(?:[\s(]|--[^\n]*(?:\n|$)|#[ !][^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:SELECT|WITH|FROM|EXPLAIN|DESC|DESCRIBE|SHOW)\b/i

/** Kinds of statement that read. Of SHOW, those that stay within one database. */
const STATEMENTS =
  /^(?:SelectWithUnionQuery|SelectIntersectExceptQuery|DescribeQuery|Explain|ShowTables|ShowCreateTableQuery)\b/

/** Kinds of node whose line says all that there is to know, or whose children do. */
const HARMLESS = new Set([
  'ArrayJoin',
  'Asterisk',
  'ColumnsExceptTransformer',
  'ColumnsListMatcher',
  'ColumnsRegexpMatcher',
  'ColumnsReplaceTransformer',
  'ColumnsReplaceTransformer::Replacement',
  'ColumnsTransformerList',
  'DescribeQuery',
  'ExpressionList',
  'InterpolateElement',
  'Literal',
  'OrderByElement',
  'QualifiedAsterisk',
  'QualifiedColumnsListMatcher',
  'QualifiedColumnsRegexpMatcher',
  'SampleRatio',
  'SelectIntersectExceptQuery',
  'SelectQuery',
  'SelectWithUnionQuery',
  'Subquery',
  'TableExpression',
  'TableJoin',
  'TablesInSelectQuery',
  'TablesInSelectQueryElement',
  'WindowDefinition',
  'WindowListElement',
  'WithElement',
])

const EXPLANATIONS = /^Explain EXPLAIN(?: (?:AST|SYNTAX|QUERY TREE|PIPELINE|ESTIMATE))? \(children \d\)$/
const FUNCTION = /^Function ([\w.@-]+)(?: \(alias .*\))? \(children \d+\)$/
const TABLE = /^TableIdentifier (?:(\w+)\.)?\w+(?: \(alias .*\))?$/
const SHOWN_TABLE = /^ShowCreateTableQuery (\w*) \w+ \(children \d\)$/

const NAME = /^Identifier (.+?)(?: \(alias .*\))?$/
/** Columns of ours with the name of a function that is not known; it takes no argument and tells nothing secret. */
const COLUMNS_LIKE_FUNCTIONS = new Set(['revision', 'user'])

/** Databases that are the server's own. */
const SYSTEM_DATABASES = ['system', 'information_schema', 'INFORMATION_SCHEMA']

/** What is known beside the syntax tree. */
export type QuerySurroundings = {
  /** The one database that may be read. */
  readonly database: string
  /** All those that the server tells of. */
  readonly databases: readonly string[]
  /** All functions that the server has, in lower case. */
  readonly functions: ReadonlySet<string>
}

/**
 * Why a text must not even be shown to EXPLAIN AST; undefined when it may. What stands before the statement would be
 * taken for options of EXPLAIN itself, and one of them (`optimize = 1`) asks table functions what they hold.
 */
export function openingFault(sql: string): string | undefined {
  return OPENING.test(sql) ? undefined : ONLY
}

/**
 * Why a query must not be run, in a sentence; undefined when it may. `lines` are those of EXPLAIN AST, and `sql` is the
 * text itself, which the tree of a SHOW does not repeat.
 */
export function queryFault(sql: string, lines: readonly string[], around: QuerySurroundings): string | undefined {
  const [root = ''] = lines
  if (!STATEMENTS.test(root)) return ONLY
  for (const [index, line] of lines.entries()) {
    const node = line.trimStart()
    const depth = line.length - node.length
    const fault = outputFault(root, node, depth) ?? nodeFault(sql, node, index, around)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** FORMAT and INTO OUTFILE stand right below the statement, where nothing else is a name or a literal. */
function outputFault(root: string, node: string, depth: number): string | undefined {
  if (depth !== (root.startsWith('Explain') ? 2 : 1) || root.startsWith('ShowCreate')) return undefined
  if (node.startsWith('Identifier ')) return 'FORMAT cannot be part of the query: choose with --format.'
  if (node.startsWith('Literal ')) return 'INTO OUTFILE cannot be part of the query: redirect the output instead.'
  return undefined
}

function nodeFault(
  sql: string,
  node: string,
  index: number,
  { database, databases, functions }: QuerySurroundings,
): string | undefined {
  const [kind = ''] = node.split(' ', 1)
  if (HARMLESS.has(kind)) return undefined
  switch (kind) {
    case 'Function': {
      const [, name] = FUNCTION.exec(node) ?? []
      if (name !== undefined && isKnownFunction(name)) return undefined
      return `The function ${name ?? node.slice(9, 60)} cannot be used here: only functions that are known to reach nothing beyond the tables (no file, URL, other server, dictionary, setting or program).`
    }
    case 'Identifier': {
      // Where a function takes another, as arrayMap does, its bare name is enough: arrayMap(file, ['/etc/passwd']).
      const [, name = ''] = NAME.exec(node) ?? []
      if (functions.has(name.toLowerCase()) && !isKnownFunction(name) && !COLUMNS_LIKE_FUNCTIONS.has(name)) {
        return `The name ${name} cannot be used here: it is that of a function that is not known to reach nothing beyond the tables. Call a column or alias otherwise.`
      }
      const other = [...SYSTEM_DATABASES, ...databases].find((name) => node.startsWith(`Identifier ${name}.`))
      return other === undefined || other === database ? undefined : foreign(`${other}.*`, database)
    }
    case 'TableIdentifier': {
      const match = TABLE.exec(node)
      return match !== null && (match[1] ?? database) === database ? undefined : foreign(node.slice(16), database)
    }
    case 'ShowCreateTableQuery': {
      const match = SHOWN_TABLE.exec(node)
      return match !== null && ['', database].includes(match[1] ?? '') ? undefined : foreign(node.slice(21), database)
    }
    case 'ShowTables':
      return /^\s*SHOW\s+TABLES\b/i.test(sql) && !node.includes('children')
        ? undefined
        : 'Of SHOW, only SHOW TABLES and SHOW CREATE TABLE can be asked here; DESCRIBE lists columns.'
    case 'Explain':
      return EXPLANATIONS.test(node) ? undefined : `${node.replace(/ \(.*/, '').slice(8)} cannot be asked here.`
    case 'Set':
      // Right below EXPLAIN are its own options, such as indexes = 1.
      return index === 1 && node === 'Set'
        ? undefined
        : 'SETTINGS cannot be part of the query: its limits in time, memory and rows are fixed.'
    case 'ColumnsApplyTransformer':
      return 'APPLY cannot be used here, because the server does not tell which function it applies: write the call out.'
    default:
      return `This query cannot be checked (${kind.slice(0, 40)}), so it is not run.`
  }
}

function foreign(table: string, database: string): string {
  return `${table.trim().slice(0, 80)} cannot be read here: only tables of the database ${database}.`
}
