/** Tokens as the client's SDK reported them. */
export type SeenUsage = { readonly inputTokens: number; readonly outputTokens: number }

/** One HTTP request as the client knows it. The SDK's own retries are requests of their own. */
export type SentRequest = {
  /** Which call of the demo, and which try of the SDK, both from 0. */
  readonly call: number
  readonly retry: number
  /** Undefined where the client left before there was one. */
  readonly status: number | undefined
  readonly traceId: string | undefined
  /** Undefined where the client was told none: a failure, or an OpenAI stream, for which nobody asked. */
  readonly usage: SeenUsage | undefined
}

/** One row of `traces`, as far as a client can vouch for it. */
export type RecordedRequest = {
  readonly call: number
  readonly retry: number
  readonly status: number
  readonly traceId: string
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
}

/** The clients' own account of what they sent, kept apart from the proxy. */
export type DemoLedger = {
  readonly sent: (call: number, retry: number) => void
  readonly answered: (call: number, retry: number, status: number, traceId: string | undefined) => void
  /** Belongs to the last try of the call: the others failed. */
  readonly used: (call: number, usage: SeenUsage) => void
  readonly requests: () => readonly SentRequest[]
}

export function createDemoLedger(): DemoLedger {
  const requests = new Map<string, SentRequest>()
  const change = (call: number, retry: number, changes: Partial<SentRequest>): void => {
    const known = requests.get(key({ call, retry }))
    if (known === undefined) throw new Error(`call ${call}, try ${retry}: answered but never sent`)
    requests.set(key(known), { ...known, ...changes })
  }
  return {
    sent: (call, retry) => {
      const request = { call, retry, status: undefined, traceId: undefined, usage: undefined }
      if (requests.has(key(request))) throw new Error(`call ${call}, try ${retry}: sent twice`)
      requests.set(key(request), request)
    },
    answered: (call, retry, status, traceId) => change(call, retry, { status, traceId }),
    used: (call, usage) => {
      const retry = Math.max(...[...requests.values()].filter((sent) => sent.call === call).map((sent) => sent.retry))
      change(call, retry, { usage })
    },
    requests: () => [...requests.values()],
  }
}

/** Every difference between what the clients sent and what was recorded, one sentence each; none = all is there, once. */
export function differences(sent: readonly SentRequest[], recorded: readonly RecordedRequest[]): readonly string[] {
  const rows = Map.groupBy(recorded, key)
  const known = new Set(sent.map(key))
  return [
    ...sent.flatMap((request) => differencesOf(request, rows.get(key(request)) ?? [])),
    ...recorded.filter((row) => !known.has(key(row))).map((row) => `${name(row)}: recorded but never sent`),
  ]
}

function differencesOf(sent: SentRequest, rows: readonly RecordedRequest[]): readonly string[] {
  const [row, ...more] = rows
  if (row === undefined) return [`${name(sent)}: sent but not recorded`]
  const found: string[] = more.length === 0 ? [] : [`${name(sent)}: recorded ${rows.length} times`]
  const compare = (what: string, seen: string | number | undefined, stored: string | number | undefined): void => {
    if (seen !== undefined && seen !== stored)
      found.push(`${name(sent)}: the client saw ${what} ${seen}, the row says ${stored ?? 'nothing'}`)
  }
  compare('status', sent.status, row.status)
  compare('trace id', sent.traceId, row.traceId)
  compare('input tokens', sent.usage?.inputTokens, row.inputTokens)
  compare('output tokens', sent.usage?.outputTokens, row.outputTokens)
  return found
}

function key({ call, retry }: { readonly call: number; readonly retry: number }): string {
  return `${call}.${retry}`
}

function name({ call, retry }: { readonly call: number; readonly retry: number }): string {
  return retry === 0 ? `call ${call}` : `call ${call}, retry ${retry}`
}
