/** A metric family that can write itself down in the Prometheus text format 0.0.4. */
export type Family = {
  /** HELP, TYPE and one line per series, each ended by a newline; only HELP and TYPE while there is none. */
  readonly expose: () => string
}

/** The two comment lines that begin a family. */
export function familyHeader(name: string, help: string, type: 'counter' | 'histogram'): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
}

/**
 * `a="x",b="y"`: the label pairs of one series without braces, escaped. Equal label sets, and only those, give
 * equal text, so the text serves as the key of the series. (The client library keys a series by its values joined
 * with `|`, which lets a value that contains `|` land in another's series.)
 */
export function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeLabelValue(values[index] ?? '')}"`).join(',')
}

/** Lone surrogates all turn into U+FFFD when the text becomes UTF-8: done here, they cannot make two equal series. */
export function escapeLabelValue(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

/** A sample's value as Prometheus parses it. */
export function sampleText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
