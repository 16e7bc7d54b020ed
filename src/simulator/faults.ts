/**
 * What may go wrong with one answer, or be peculiar about it. Undefined = as it should be.
 *
 * Written as a list: `name` or `name@value`, separated by commas, as in `heartbeat@2, cut@3`. It comes from the
 * request header `x-sim-fault` (then nothing is left to chance) or from the model's own `faults`.
 */
export type Faults = {
  /** `status@503`: answers this status in the dialect's error shape; 429 with its headers. */
  readonly status: number | undefined
  /** `retry-after@2`: seconds, sent with a `status`. */
  readonly retryAfterSeconds: number | undefined
  /** `cut`, `reset`, `hang`, `end`, each `@n`: stops there. */
  readonly stop: Stop | undefined
  /** `error@n`: an error frame after n events of a stream that began with status 200; the first frame by default. */
  readonly errorFrameAfter: number | undefined
  /** `garbage@http`, `garbage@json`, `garbage@sse`: not HTTP; HTML that calls itself JSON; a broken frame in mid-stream. */
  readonly garbage: 'http' | 'json' | 'sse' | undefined
  /** `gigantic@n`: an answer of about n bytes of text, made while it is sent. */
  readonly giganticBytes: number | undefined
  /** `length@+n`, `length@-n`: a content-length that promises n bytes more (then the connection ends) or fewer. */
  readonly lengthOffBy: number | undefined
  /** `heartbeat@n`: n comments before the first event of a stream. */
  readonly heartbeats: number | undefined
  /** `crlf`: stream lines end with CR LF. */
  readonly isCrlf: boolean
  /** `multibyte`: text of two, three and four byte characters. */
  readonly isMultibyte: boolean
  /** `split@n`: every n bytes are a write of their own, in a turn of its own. */
  readonly splitBytes: number | undefined
  /** `drip@ms`: the same with a pause between them (16 bytes at a time unless `split` says otherwise). */
  readonly dripMs: number | undefined
  /** `encode@gzip`, `encode@br`, `encode@zstd`: compresses, provided that the client accepts it. */
  readonly encoding: Encoding | undefined
  /** `refusal`: the model declines, in the dialect's way, with status 200. */
  readonly isRefusal: boolean
  /** `context-window`: the prompt is too long for the model, in the dialect's words. */
  readonly isTooLong: boolean
  /** `broken-json`: where JSON is asked for, half of it. */
  readonly isBrokenJson: boolean
  /** `latency@ms`, `ttft@ms`, `speed@n`, `tokens@n`: instead of the model's own. */
  readonly firstByteMs: number | undefined
  readonly firstTokenMs: number | undefined
  readonly tokensPerSecond: number | undefined
  readonly outputTokens: number | undefined
}

/**
 * `cut` closes the connection without finishing the answer, `reset` does so with a TCP RST, `hang` falls silent,
 * `end` finishes the HTTP message without the rest of its content. `after`: events of a stream or bytes of a body
 * that still go out; undefined = not even the headers.
 */
export type Stop = { readonly how: 'cut' | 'reset' | 'hang' | 'end'; readonly after: number | undefined }

export const ENCODINGS = ['gzip', 'br', 'zstd'] as const
export type Encoding = (typeof ENCODINGS)[number]

export const NO_FAULTS: Faults = {
  status: undefined,
  retryAfterSeconds: undefined,
  stop: undefined,
  errorFrameAfter: undefined,
  garbage: undefined,
  giganticBytes: undefined,
  lengthOffBy: undefined,
  heartbeats: undefined,
  isCrlf: false,
  isMultibyte: false,
  splitBytes: undefined,
  dripMs: undefined,
  encoding: undefined,
  isRefusal: false,
  isTooLong: false,
  isBrokenJson: false,
  firstByteMs: undefined,
  firstTokenMs: undefined,
  tokensPerSecond: undefined,
  outputTokens: undefined,
}

type Reading = (value: string | undefined) => Partial<Faults> | undefined

const GRAMMAR: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['status', whole((status) => (status >= 400 && status <= 599 ? { status } : undefined))],
  ['retry-after', whole((retryAfterSeconds) => ({ retryAfterSeconds }))],
  ['cut', stop('cut', undefined)],
  ['reset', stop('reset', undefined)],
  ['hang', stop('hang', undefined)],
  ['end', stop('end', 0)],
  ['error', whole((errorFrameAfter) => ({ errorFrameAfter }), 0)],
  ['garbage', (value) => (value === 'http' || value === 'json' || value === 'sse' ? { garbage: value } : undefined)],
  ['gigantic', whole((giganticBytes) => ({ giganticBytes }), 10_485_760)],
  ['length', (value) => (/^[+-][1-9]\d{0,8}$/.test(value ?? '') ? { lengthOffBy: Number(value) } : undefined)],
  ['heartbeat', whole((heartbeats) => ({ heartbeats }), 1)],
  ['crlf', bare({ isCrlf: true })],
  ['multibyte', bare({ isMultibyte: true })],
  ['split', whole((splitBytes) => (splitBytes > 0 ? { splitBytes } : undefined), 1)],
  ['drip', whole((dripMs) => ({ dripMs }), 5)],
  ['encode', (value) => encodingOf(value)],
  ['refusal', bare({ isRefusal: true })],
  ['context-window', bare({ isTooLong: true })],
  ['broken-json', bare({ isBrokenJson: true })],
  ['latency', whole((firstByteMs) => ({ firstByteMs }))],
  ['ttft', whole((firstTokenMs) => ({ firstTokenMs }))],
  ['speed', whole((tokensPerSecond) => (tokensPerSecond > 0 ? { tokensPerSecond } : undefined))],
  ['tokens', whole((outputTokens) => ({ outputTokens }))],
])

/** Reads a list of faults; a string in return says what is wrong with it. */
export function parseFaults(text: string): Faults | string {
  let faults = NO_FAULTS
  for (const part of text.split(',')) {
    const [name = '', value] = part.trim().split('@')
    const reading = GRAMMAR.get(name)
    if (reading === undefined) return `unknown fault "${name}". Known: ${[...GRAMMAR.keys()].join(', ')}.`
    const change = reading(value)
    if (change === undefined) return `fault "${part.trim()}": its value is missing or makes no sense.`
    faults = { ...faults, ...change }
  }
  return faults
}

function whole(read: (value: number) => Partial<Faults> | undefined, fallback?: number): Reading {
  return (value) => {
    if (value === undefined) return fallback === undefined ? undefined : read(fallback)
    return /^\d{1,12}$/.test(value) ? read(Number(value)) : undefined
  }
}

function stop(how: Stop['how'], fallback: number | undefined): Reading {
  return (value) => {
    if (value === undefined) return { stop: { how, after: fallback } }
    return /^\d{1,12}$/.test(value) ? { stop: { how, after: Number(value) } } : undefined
  }
}

function bare(change: Partial<Faults>): Reading {
  return (value) => (value === undefined ? change : undefined)
}

function encodingOf(value: string | undefined): Partial<Faults> | undefined {
  const encoding = ENCODINGS.find((known) => known === value)
  return encoding === undefined ? undefined : { encoding }
}
