import type { Json } from '../client.ts'

/**
 * An analysis with its parameters as literals, for whoever can send SQL and no parameters; names of tables go without their
 * database. Throws RangeError on a parameter that `params` lacks or that is of another kind.
 */
export function filledIn(sql: string, params: Readonly<Record<string, Json>>): string {
  return sql
    .replaceAll('{database:Identifier}.', '')
    .replaceAll(/\{(\w+):([^{}]+)\}/g, (_whole, name: string, type: string) => {
      const value = Object.hasOwn(params, name) ? params[name] : undefined
      const text = value === undefined ? undefined : literal(value)
      if (text === undefined)
        throw new RangeError(`the analysis wants ${name} as ${type}, found ${JSON.stringify(value)}`)
      return type === 'String' ? text : `CAST(${text}, '${type}')`
    })
}

/** A literal of ClickHouse's SQL; undefined for what there is none of here. */
function literal(value: Json): string | undefined {
  if (typeof value === 'string') return textLiteral(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined
  if (value === null || typeof value === 'boolean') return undefined
  const items = isList(value) ? value : Object.entries(value).flat()
  const texts = items.map(literal)
  if (texts.includes(undefined)) return undefined
  return isList(value) ? `[${texts.join(', ')}]` : `map(${texts.join(', ')})`
}

/** A text as a literal of ClickHouse's SQL. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
