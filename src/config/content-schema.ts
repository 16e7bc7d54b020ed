import { z } from 'zod'
import { CONTENT_MODES } from '../domain/content.ts'
import { BUILT_IN_RULES } from '../domain/redaction/redactor.ts'
import { findingPattern, jsonPath } from './content-leaves.ts'
import { choice, sizeBytes, wholeNumber } from './leaves.ts'
import { section } from './section.ts'

/** What is kept of prompts and answers, and what is taken out of it first. */
export const contentSection = section({
  mode: choice(CONTENT_MODES)
    .prefault('off')
    .describe(
      'What is kept of prompts and answers. hash: keyed hashes. truncated: beginning and end, redacted. full: all, redacted.',
    ),
  providers: z
    .record(z.string(), choice(CONTENT_MODES), { error: 'a mapping of provider names' })
    .prefault({})
    .describe('The mode for calls to a provider.'),
  routes: z
    .record(z.string(), choice(CONTENT_MODES), { error: 'a mapping of route names' })
    .prefault({})
    .describe("The mode for a route's requests, whatever the provider."),
  head: wholeNumber(0, 1_000_000).prefault(2_000).describe('truncated: characters kept of the beginning.'),
  tail: wholeNumber(0, 1_000_000).prefault(1_000).describe('truncated: characters kept of the end.'),
  max_size: sizeBytes(1)
    .prefault('256KiB')
    .describe('Larger bodies and answers are hashed only: redacting them would hold up other requests.'),
  redact: section({
    built_in: z
      .array(choice(BUILT_IN_RULES), { error: 'a list' })
      .prefault([...BUILT_IN_RULES])
      .describe('What is found without being told. Default: all of it.'),
    patterns: z
      .record(z.string(), findingPattern(), { error: 'a mapping of names' })
      .prefault({})
      .describe('Regular expressions (RE2) of your own, by the name that their placeholder shows.'),
    json_paths: z
      .array(jsonPath(), { error: 'a list of JSON paths' })
      .prefault([])
      .describe('Members of the request body, and of the answer as it is stored, that are taken out whole.'),
  })
    .prefault({})
    .describe('What is taken out before anything is stored.'),
})
