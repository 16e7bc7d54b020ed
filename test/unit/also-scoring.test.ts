import { expect, it } from 'vitest'
import { alsoScoring } from '../../src/compose/also-scoring.ts'
import { AUDIT_TAGS } from '../../src/domain/audit.ts'
import { anExchange } from '../fakes/an-exchange.ts'

it('asks no judge about answers to the questions of an audit, which knows the right ones', () => {
  const mirror = { wants: () => false, offer: () => undefined }
  const live = { wants: () => true, offer: () => undefined }
  const scoring = alsoScoring(mirror, live, () => ({ rollouts: [] }))
  const { request, decision } = anExchange()
  if (!('targets' in decision)) throw new Error('it was refused')
  const tagged = (tags: Readonly<Record<string, string>>) => ({ ...request, controls: { ...request.controls, tags } })
  expect(scoring.wants(tagged({ team: 'x' }), decision)).toBe(true)
  expect(scoring.wants(tagged(AUDIT_TAGS), decision)).toBe(false)
})
