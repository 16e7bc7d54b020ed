/** One thing wrong with a config file, placed where the operator has to look. Never holds a secret. */
export type Fault = {
  /** The file as the operator named it. */
  readonly file: string
  /** Both count from 1, as editors do. */
  readonly line: number
  readonly column: number
  /** `providers.openai.base_url`, `prices[0].input`; '' where the file as a whole is meant. */
  readonly path: string
  /** `expected …, found …`, with what to do about it. */
  readonly text: string
}

/** A fault before its offset has become a line and a column. `end` is where the value that it is about ends. */
export type Problem = { readonly offset: number; readonly end?: number; readonly path: Path; readonly text: string }

/** Keys and indexes from the root of the file to a value. */
export type Path = readonly (string | number)[]

/** One line for terminals and logs: `understudy.yaml:41:12 providers.openai.dialect: expected …, found …`. */
export function formatFault(fault: Fault): string {
  const place = `${fault.file}:${fault.line}:${fault.column}`
  return fault.path === '' ? `${place} ${fault.text}` : `${place} ${fault.path}: ${fault.text}`
}

/** `providers.openai.base_url`, `prices[0].input`. Keys that may be pasted secrets are left out. */
export function formatPath(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${showKey(step)}`))
    .join('')
    .replace(/^\./, '')
}

/** The key as text for a fault; `…` for what looks more like a pasted secret or a sentence than a key. */
export function showKey(key: string): string {
  return /^[\w.@*/-]{1,32}$/.test(key) ? key : '…'
}
