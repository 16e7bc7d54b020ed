import { describe, expect, it } from 'vitest'
import { describeContent } from '../../src/config/describe-content.ts'
import { configOf } from '../fakes/a-config.ts'

const PROVIDERS = `
providers:
  openai: { dialect: openai, base_url: 'http://127.0.0.1:9' }
  house: { dialect: openai, base_url: 'http://127.0.0.1:9' }
`

function described(content: string): string {
  const { policy } = configOf(`${content}${PROVIDERS}`)
  return describeContent(policy.content, policy.retention.contentsDays)
}

describe('what a start and a check say is kept of prompts and answers', () => {
  it('nothing, where nothing is', () => {
    expect(described('')).toBe('prompts and answers are not stored')
  })

  it('that it is stored, and for how long, where any of it is', () => {
    expect(described('content: { mode: full }\nretention: { contents: 7d }')).toBe(
      'prompts and answers are stored in full, redacted, for 7 days',
    )
    expect(described('content: { mode: hash }')).toMatch(
      /^prompts and answers are stored as keyed hashes only, redacted, for/,
    )
  })

  it('the exceptions by name, so that a single route that stores text shows', () => {
    const one = 'content: { mode: off, providers: { house: truncated } }\nretention: { contents: 7d }'
    expect(described(one)).toBe('prompts and answers are not stored (provider house: truncated), redacted, for 7 days')
  })

  it('that nothing is taken out of it, where the config says so', () => {
    expect(described('content: { mode: full, redact: { built_in: [] } }')).toContain('in full, NOT redacted, for')
  })
})
