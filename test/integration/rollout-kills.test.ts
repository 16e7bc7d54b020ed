import { it } from 'vitest'
import { expectOneDeciderUnderKills } from '../fakes/rollout-kills.ts'

it('a decider that is killed in the midst of deciding takes no step twice and loses none, and there is never a second', () =>
  expectOneDeciderUnderKills(3))
