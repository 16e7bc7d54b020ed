import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { policyInForce } from '../../src/cli/route-in-force.ts'
import { parseConfig } from '../../src/config/load.ts'
import { targetsOf } from '../../src/domain/routing/router.ts'

describe('the policy in force where no proxy runs', () => {
  it('has every target of every route of the example, as routing knows them, and says whose it is', async () => {
    const text = readFileSync('config/understudy.example.yaml', 'utf8')
    const read = parseConfig(text, 'understudy.yaml', new Proxy({}, { get: () => 'set' }), '/nowhere')
    if ('faults' in read) throw new Error(JSON.stringify(read.faults))
    const { config } = read
    const { whose, routeNames, routeOf } = await policyInForce(config)
    expect(whose).toBe('No proxy runs: routes are those of the config file.')
    const { routing, scoring } = config.policy
    expect(routeNames).toEqual(routing.routes.map(({ name }) => name))
    for (const route of routing.routes) {
      const { feedback } = route
      expect(routeOf(route.name)).toEqual({
        targets: targetsOf(route),
        reference: feedback?.reference.kind === 'arm' ? feedback.reference.key : undefined,
        delta: feedback?.delta,
        minimum: Object.fromEntries(scoring?.minimum ?? []),
      })
    }
    expect(routeNames.some((name) => routeOf(name)?.reference !== undefined)).toBe(true)
    expect(routeOf('nobody')).toBeUndefined()
  })
})
