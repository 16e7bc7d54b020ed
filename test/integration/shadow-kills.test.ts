import { test } from 'vitest'
import { expectKeptUnderKills } from '../fakes/kept-under-kills.ts'

test('under kills, with candidate, judge and ClickHouse in trouble, clients get the very same bytes and nothing compared, scored or said is lost', () =>
  expectKeptUnderKills(3))
