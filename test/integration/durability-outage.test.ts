import { expect, it } from 'vitest'
import { outliveEngine, UNHARMED } from '../fakes/store-outage.ts'

// A whole minute of it is among the long tests: most of that are the growing pauses between starts.
it('serves on while ClickHouse is killed again and again, then hangs, and stores every answer once', async () => {
  expect(await outliveEngine(12_000, 4)).toEqual(UNHARMED)
}, 180_000)
