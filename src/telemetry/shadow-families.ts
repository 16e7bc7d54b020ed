import type { ShadowReport } from '../domain/shadow/shadow-report.ts'
import type { Reading, SourceFamily } from './source-family.ts'

const PICO = 1e12

/** What becomes of mirrored requests. Series are as many as the shadows and candidates that the operator wrote. */
export function shadowFamilies(shadows: () => readonly ShadowReport[]): readonly SourceFamily[] {
  const each = (read: (report: ShadowReport) => readonly Reading[]): (() => readonly Reading[]) => {
    return () => shadows().flatMap(read)
  }
  return [
    {
      type: 'counter',
      name: 'understudy_shadow_requests_total',
      help: 'Requests that matched a shadow (eligible), and what became of them: eligible = skipped + mirrored, mirrored = compared + failed.',
      labelNames: ['shadow', 'candidate', 'arm', 'stage', 'reason'],
      read: each(({ shadow, counts }) =>
        counts.map(({ target, isControl, stage, reason, requests }): Reading => {
          const candidate = target === undefined ? '' : `${target.provider}/${target.model}`
          return [
            [shadow, candidate, target === undefined ? '' : isControl ? 'aa' : 'candidate', stage, reason],
            requests,
          ]
        }),
      ),
    },
    {
      type: 'counter',
      name: 'understudy_shadow_cost_usd_total',
      help: 'What shadow calls have cost; no part of what requests cost.',
      labelNames: ['shadow'],
      read: each(({ shadow, totalPicoUsd }) => [[[shadow], Number(totalPicoUsd) / PICO]]),
    },
    {
      type: 'gauge',
      name: 'understudy_shadow_budget_used_usd',
      help: 'Spent and set aside of the budget in this clock hour, and in this day of UTC.',
      labelNames: ['shadow', 'window'],
      read: each(({ shadow, hourPicoUsd, dayPicoUsd }) => [
        [[shadow, 'hour'], Number(hourPicoUsd) / PICO],
        [[shadow, 'day'], Number(dayPicoUsd) / PICO],
      ]),
    },
    {
      type: 'gauge',
      name: 'understudy_shadow_calls',
      help: 'Shadow calls under way, and requests that wait for one.',
      labelNames: ['shadow', 'state'],
      read: each(({ shadow, running, queued }) => [
        [[shadow, 'running'], running],
        [[shadow, 'queued'], queued],
      ]),
    },
  ]
}
