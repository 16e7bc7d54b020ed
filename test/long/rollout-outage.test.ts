import { it } from 'vitest'
import { expectToOutlastOutage } from '../fakes/rollout-outage.ts'

it(
  'ClickHouse goes away for ten minutes in the middle: decisions go on where they were, and nothing is lost',
  { timeout: 15 * 60_000 },
  () => expectToOutlastOutage(10 * 60_000),
)
