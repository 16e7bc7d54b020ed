import type { PicoUsd } from '../domain/units.ts'
import type { Reading, SourceFamily } from './source-family.ts'

/** What the worker that scores says of itself. */
export type ScoringLoad = {
  readonly queued: number
  readonly comparedPairs: number
  readonly scoredAnswers: number
  readonly dropped: number
  readonly judged: number
  readonly judgeFailures: Readonly<Record<string, number>>
  readonly desk: {
    readonly queued: number
    readonly underWay: number
    readonly dropped: number
    readonly calls: number
    readonly refused: Readonly<Record<string, number>>
    readonly spend: { readonly hour: PicoUsd; readonly day: PicoUsd }
  }
}

const PICO = 1e12

/** How scoring and the judge fare. */
export function scoringFamilies(scoring: (() => ScoringLoad) | undefined): readonly SourceFamily[] {
  if (scoring === undefined) return []
  const named = (counts: Readonly<Record<string, number>>): readonly Reading[] =>
    Object.entries(counts).map(([name, count]): Reading => [[name], count])
  return [
    {
      type: 'counter',
      name: 'understudy_scored_total',
      help: 'Pairs compared and live answers scored by the evaluators, and those dropped because too many waited.',
      labelNames: ['what'],
      read: () => {
        const { comparedPairs, scoredAnswers, dropped } = scoring()
        return named({ pair: comparedPairs, answer: scoredAnswers, dropped })
      },
    },
    {
      type: 'counter',
      name: 'understudy_judge_verdicts_total',
      help: 'Verdicts asked of the judge: decided, or why there is none; such a verdict is missing, never zero.',
      labelNames: ['result'],
      read: () => named({ decided: scoring().judged, ...scoring().judgeFailures }),
    },
    {
      type: 'counter',
      name: 'understudy_judge_calls_total',
      help: 'Calls made to the judge, and those not made for want of budget or of a price.',
      labelNames: ['result'],
      read: () => named({ made: scoring().desk.calls, ...scoring().desk.refused, queue_full: scoring().desk.dropped }),
    },
    {
      type: 'gauge',
      name: 'understudy_judge_cases',
      help: 'Cases that wait for the judge, cases under way, and answers that wait to be read.',
      labelNames: ['state'],
      read: () => {
        const { desk, queued } = scoring()
        return named({ waiting: desk.queued, running: desk.underWay, unread: queued })
      },
    },
    {
      type: 'gauge',
      name: 'understudy_judge_budget_used_usd',
      help: 'Spent and set aside for the judge in this clock hour, and in this day of UTC.',
      labelNames: ['window'],
      read: () => {
        const { hour, day } = scoring().desk.spend
        return named({ hour: Number(hour) / PICO, day: Number(day) / PICO })
      },
    },
  ]
}
