import { test } from 'vitest'
import { killUnderShadow } from '../fakes/kill-under-shadow.ts'

test('under kills, with candidate, judge and ClickHouse in trouble, clients get the very same bytes and nothing compared, scored or said is lost', () =>
  killUnderShadow(3))
