import { it } from 'vitest'
import { expectToOutlastOutage } from '../fakes/rollout-outage.ts'

it('ClickHouse goes away in the middle: nothing moves, all are served, and decisions go on where they were', () =>
  expectToOutlastOutage(6_000))
