import type { BadEventReading } from '../../domain/rollout/evidence.ts'
import { TOLERATED_RATIO, withoutQuiet } from '../../domain/statistics/rate-ratio.ts'
import { analysisOver } from '../analyses/read-analysis.ts'
import type { Stage } from './stage.ts'

/** Bad events of the kinds that the rollout watches, in windows of five minutes. */
export async function readBadEvents({ ask, calls, rollout }: Stage): Promise<readonly BadEventReading[]> {
  const rows = await ask({ event: 'text', task: 'text', windows: 'lists' }, analysisOver('bad-events', calls), {
    events: rollout.badEvents,
    tolerated: TOLERATED_RATIO,
  })
  return rows.flatMap(({ event: named, task, windows }) => {
    const event = rollout.badEvents.find((each) => each === named)
    if (event === undefined) return []
    const each = windows.map(([candidate = 0, control = 0, badCandidate = 0, badControl = 0]) => ({
      candidate,
      control,
      badCandidate,
      badControl,
    }))
    // A stage of a week has two thousand windows, and all of them would be stored with every decision.
    return [{ event, task, windows: withoutQuiet(each) }]
  })
}
