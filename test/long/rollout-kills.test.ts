import { it } from 'vitest'
import { expectOneDeciderUnderKills } from '../fakes/rollout-kills.ts'

it('20 kills of whoever decides: no step twice, none lost, never two deciders', () => expectOneDeciderUnderKills(20))
