import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeFeatures } from '../../src/config/describe-features.ts'
import { configOf } from '../fakes/a-config.ts'

const CONFIG = join(import.meta.dirname, '../../config')

test('of a file that only passes calls on, everything is off', () => {
  expect(describeFeatures(configOf('providers: { openai: {} }').policy)).toEqual({
    on: [],
    off: ['routes', 'shadows', 'rollouts', 'judge', 'evaluators', 'feedback', 'audits'],
  })
})

test('what is on is told by its names, and what the file has and leaves off as such', () => {
  const text = readFileSync(join(CONFIG, 'examples/first-hour.yaml'), 'utf8')
  expect(describeFeatures(configOf(text).policy)).toEqual({
    on: ['routes chat', 'shadows cheaper (off)', 'rollouts cheaper (draft)', 'judge openai/judge-fair'],
    off: ['evaluators', 'feedback', 'audits'],
  })
})

test('a shadow that a rollout brings along is not told of beside it', () => {
  const text = `
    providers: { openai: { api_key: sk-1 } }
    routes: { chat: { match: { model: gpt-4o }, target: openai/gpt-4o } }
    rollouts: { mini: { route: chat, candidate: openai/gpt-4o-mini } }
    judge: { target: openai/gpt-5.1, budget: { per_hour: 1, per_day: 1 } }
    quality: { evaluate: 5% }`
  const { policy } = configOf(text)
  expect(policy.shadows.map(({ name }) => name)).toEqual(['rollout:mini'])
  expect(describeFeatures(policy)).toEqual({
    on: ['routes chat', 'rollouts mini', 'judge openai/gpt-5.1', 'evaluators on live answers'],
    off: ['shadows', 'feedback', 'audits'],
  })
})
