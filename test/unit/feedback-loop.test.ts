import { expect, it, onTestFinished, vi } from 'vitest'
import { createCell } from '../../src/domain/cell.ts'
import { openFeedback } from '../../src/feedback/open-feedback.ts'
import { aRoutingState } from '../fakes/a-routing.ts'
import { realWorld } from '../fakes/real-world.ts'
import { silentLog } from '../fakes/silent-log.ts'

const YAML = `routes:
  chat: { match: { model: gpt-* }, targets: [{ target: openai/a, weight: 1 }, { target: second/b, weight: 1 }], feedback: apply }
`

it('a bug leaves the weights as they are, and is no news that all is well', async () => {
  const feedback = openFeedback({
    state: createCell(aRoutingState(YAML)),
    store: {
      asDecider: async (_holder, work) => {
        await work(new AbortController().signal)
        return { kind: 'ok', value: 'done' }
      },
      last: async () => {
        throw new Error('a bug')
      },
      readings: async () => ({ kind: 'unavailable', detail: '' }),
      record: async () => ({ kind: 'sent' }),
    },
    weights: { change: async () => ({ kind: 'conflict', found: '' }), lastChange: () => undefined },
    instance: 'test',
    pace: { tickMs: 1, speed: 1 },
    world: realWorld,
    log: silentLog,
  })
  onTestFinished(feedback.close)
  await vi.waitFor(() =>
    expect(feedback.report().routes).toMatchObject([{ verdict: 'frozen', detail: 'A bug; see the log.' }]),
  )
})
