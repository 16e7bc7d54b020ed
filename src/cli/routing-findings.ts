import type { AuditedPicks } from '../domain/feedback/audited-picks.ts'
import { picksLines } from './print-picks.ts'
import { type Cells, printMarkdown, printTable } from './print-rows.ts'

export const FINDINGS_FORMATS = ['table', 'json', 'markdown'] as const

export type FindingsFormat = (typeof FINDINGS_FORMATS)[number]

/** What became of the requests of one route while it was audited, of this proxy, and what all answers came to. */
export type RouteFindings = {
  readonly route: string
  /** Of these, so many were put to every other model, and of those so many answered by all. */
  readonly eligible: number
  readonly mirrored: number
  readonly compared: number
  /** By reason, as in the funnel of a shadow. */
  readonly skipped: Readonly<Record<string, number>>
  readonly failed: Readonly<Record<string, number>>
  readonly picks: AuditedPicks
}

/** What can be done about the commonest reason for which nothing was audited. */
const ADVICE: Readonly<Record<string, string>> = {
  not_sampled: 'so little traffic wants a larger `sample`, or more time (--for)',
  budget: 'its budget is spent until the next hour or day begins, or holds less than one request to every model',
  no_key: 'its targets want an api_key of the server: no client pays for an audit',
  unpriced: 'a model without a price cannot be held to a budget: give it one in `prices`',
  no_alternative: 'no other target could do what they need',
  header_off: 'their clients said x-understudy-shadow: off',
}

/** What an audit has found, as one text. */
export function findingsText(audit: string, routes: readonly RouteFindings[], format: FindingsFormat): string {
  if (format === 'json') return JSON.stringify({ audit, routes }, undefined, 2)
  const draw = format === 'markdown' ? printMarkdown : printTable
  const lines = routes.flatMap((found) => routeLines(found, draw))
  return (
    format === 'markdown' ? [`## Routing audit ${audit}`, ...lines].flatMap((line) => ['', line]).slice(1) : lines
  ).join('\n')
}

function routeLines(found: RouteFindings, draw: (cells: Cells) => string): readonly string[] {
  const { route, eligible, mirrored, compared, skipped, failed, picks } = found
  // Other proxies may have audited what this one has not.
  const isSilent = mirrored === 0 && picks.requests + picks.partial === 0
  if (eligible === 0 && isSilent) return [`${route}: no request took this route in that time.`]
  const counted = `${route}: ${compared} requests answered by every model, of ${mirrored} put to all and ${eligible} that came.`
  const why = [countsText('Left out', skipped), countsText('Not answered by all', failed)].filter((text) => text !== '')
  const advice = ADVICE[inOrder(skipped)[0]?.[0] ?? '']
  const unjudged = compared > 0 && picks.requests + picks.partial === 0
  return [
    [counted, ...why, ...(isSilent && advice !== undefined ? [`Nothing was audited: ${advice}.`] : [])].join(' '),
    ...(isSilent
      ? []
      : unjudged
        ? ['Picks: no answer has a verdict yet. The judge has a budget of its own: if it is spent, none will come.']
        : picksLines(picks, draw)),
  ]
}

function countsText(what: string, counts: Readonly<Record<string, number>>): string {
  const said = inOrder(counts).map(([reason, count]) => `${reason} ${count}`)
  return said.length === 0 ? '' : `${what}: ${said.join(', ')}.`
}

/** The commonest first. */
function inOrder(counts: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .toSorted(([, one], [, other]) => other - one)
}
