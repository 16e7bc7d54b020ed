import { expect, it } from 'vitest'
import type { Exchange } from '../../src/domain/exchange.ts'
import { observeAll } from '../../src/telemetry/observe-all.ts'
import { anExchange } from '../fakes/an-exchange.ts'

it('shows every exchange to every observer, whatever another one throws', () => {
  const seen: Exchange[] = []
  const failures: unknown[] = []
  const bug = new Error('a bug')
  const observe = observeAll(
    [
      () => {
        throw bug
      },
      (exchange) => seen.push(exchange),
    ],
    (error) => failures.push(error),
  )
  const exchange = anExchange()
  observe(exchange)
  expect(seen).toEqual([exchange])
  expect(failures).toEqual([bug])
})
