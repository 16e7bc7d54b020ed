import type { FeedbackReport } from '../domain/feedback/feedback-report.ts'
import type { SourceFamily } from './source-family.ts'

/** What the loop from evidence to weights does. Series are as many as the routes that the operator wrote. */
export function feedbackFamilies(report: () => FeedbackReport): readonly SourceFamily[] {
  return [
    {
      type: 'gauge',
      name: 'understudy_feedback_frozen',
      help: '1 while the weights of a route stay as they are for want of scores, or of ClickHouse, as far as this instance knows.',
      labelNames: ['route'],
      read: () => report().routes.map(({ route, verdict }) => [[route], Number(verdict === 'frozen')]),
    },
    {
      type: 'counter',
      name: 'understudy_feedback_decisions_total',
      help: 'Decisions about weights that this instance wrote down, by kind: applied, suggested, held, frozen.',
      labelNames: ['route', 'kind'],
      read: () => report().decisions.map(({ route, kind, count }) => [[route, kind], count]),
    },
  ]
}
