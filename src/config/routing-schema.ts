import { z } from 'zod'
import type { Api } from '../domain/request.ts'
import { FALLBACK_TRIGGERS, NEEDS, TASK_TYPES } from '../domain/routing/route.ts'
import { choice, durationMs, flag, text, wholeNumber } from './leaves.ts'
import { feedbackSection } from './feedback-schema.ts'
import {
  aliasName,
  glob,
  keySubject,
  targetName,
  textPattern,
  timeWindow,
  timeZone,
  weekDays,
  weight,
} from './routing-leaves.ts'
import { section } from './section.ts'
import { oneOrMany, orOnly } from './shorthand.ts'

/** APIs whose requests are read, and so can be routed. */
const ROUTED_APIS = [
  'chat_completions',
  'responses',
  'completions',
  'embeddings',
  'messages',
  'count_tokens',
  'generate_content',
  'embed_content',
] as const satisfies readonly Api[]

const LARGEST_TOKENS = 1_000_000_000

export const taskName = (): z.ZodType<string> =>
  text('a task type of lower-case letters, digits and _, such as billing', /^[a-z][a-z\d_]{0,63}$/)

export const providerName = (): z.ZodType<string> => text('the name of a provider of this file', /\S/)

const fieldName = (): z.ZodType<string> => text('the name of a body field', /^\w[\w.]{0,63}$/)

const tokenRange = range(LARGEST_TOKENS)
const turnRange = range(100_000)
const needs = oneOrMany(choice(NEEDS), 'a list of needs')

/** The keys of a `match`. */
export const matchShape = {
  model: oneOrMany(glob('a model'), 'a list of models')
    .optional()
    .describe('As the client asks, before or after aliases.'),
  mount: oneOrMany(providerName(), 'a list of providers').optional().describe('Provider whose mount it came in by.'),
  dialect: oneOrMany(choice(['openai', 'anthropic', 'gemini']), 'a list of dialects').optional(),
  api: oneOrMany(choice(ROUTED_APIS), 'a list of APIs')
    .optional()
    .describe('Default: all but embeddings and embed_content, which no model that writes can answer.'),
  path: oneOrMany(glob('a path'), 'a list of paths').optional().describe('As the client wrote it, without the query.'),
  headers: z
    .record(z.string(), oneOrMany(glob('a value'), 'a list of values'), { error: 'a mapping of header names' })
    .optional()
    .describe('Values of request headers by name; never of those that carry keys.'),
  key: oneOrMany(keySubject(), 'a list of key subjects').optional(),
  team: oneOrMany(glob('a team'), 'a list of teams').optional().describe('x-understudy-team.'),
  user: oneOrMany(glob('a user'), 'a list of users')
    .optional()
    .describe("x-understudy-user, else the dialect's own end user."),
  tags: z
    .record(z.string(), oneOrMany(glob('a value'), 'a list of values'), { error: 'a mapping of tags' })
    .optional()
    .describe('x-understudy-tags.'),
  flag: oneOrMany(glob('a flag'), 'a list of flags')
    .optional()
    .describe('Feature flags: any of those that the tag `flags` lists.'),
  task: oneOrMany(taskName(), 'a list of task types').optional(),
  complexity: oneOrMany(choice(['simple', 'moderate', 'complex', 'unknown']), 'a list of complexities').optional(),
  input_tokens: tokenRange.optional().describe('Estimated.'),
  turn: turnRange.optional().describe('Turns of the user so far, this one included.'),
  needs: needs.optional().describe('All of them are needed.'),
  stream: flag().optional(),
  hours: section({
    between: timeWindow().describe('08:00-18:00, or past midnight 22:00-06:00.'),
    zone: timeZone().describe('Such as Europe/Berlin.'),
    days: oneOrMany(weekDays(), 'a list of days').optional().describe('On which the hours begin; default: every day.'),
  }).optional(),
}

const textMatch = section({
  keywords: oneOrMany(text('a word or words in quotes', /^[^\p{Cc}]{1,80}$/u), 'a list of words')
    .optional()
    .describe("Any of them, as whole words, in the last user turn's first 4096 characters; case does not matter."),
  pattern: textPattern().optional().describe('A regular expression (RE2) on the same text; case does not matter.'),
  input_tokens: tokenRange.optional(),
  turn: turnRange.optional(),
  needs: needs.optional(),
  has_code: flag().optional(),
})

const fallback = section({
  on: oneOrMany(choice(FALLBACK_TRIGGERS), 'a list of triggers')
    .prefault(['error', 'rate_limit', 'slow_answer', 'slow_first_token', 'context_window'])
    .describe('When a target is left for the next one. refusal and invalid_json only where they are listed.'),
  answer_timeout: durationMs().prefault('30s').describe('slow_answer: a plain answer that is not complete by then.'),
  first_token_timeout: durationMs()
    .prefault('10s')
    .describe('slow_first_token: a stream whose first content has not come by then.'),
  max_attempts: wholeNumber(1, 20).prefault(4).describe('Most upstream calls for one request.'),
  retries: wholeNumber(0, 5)
    .prefault(0)
    .describe('How often the same target is asked again first, where the call cannot have run.'),
})

const route = orOnly(
  section({
    match: section(matchShape)
      .prefault({})
      .describe(
        'What a request must be. Every field must hold; of a list, one entry. The first route that matches counts.',
      ),
    strategy: choice(['fixed', 'weighted', 'balance', 'rules'])
      .optional()
      .describe('Default: fixed with `target`, weighted with `targets` that have weights, rules with `rules`.'),
    target: targetName().optional().describe('fixed: the model that answers.'),
    targets: oneOrMany(
      orOnly(
        section({
          target: targetName(),
          weight: weight().optional().describe('Relative to the others; 0 is never chosen. balance: default 1.'),
        }),
        'target',
      ),
      'a list of targets',
    )
      .optional()
      .describe('weighted, balance: the models that share the requests; a conversation stays with its model.'),
    rules: z
      .array(
        section({
          name: text('a name of letters, digits, - and _', /^[A-Za-z][\w.-]{0,63}$/).describe('On every trace.'),
          when: section(matchShape),
          target: targetName(),
        }),
        { error: 'a list of rules' },
      )
      .min(1, { error: 'a list of rules, at least one' })
      .optional()
      .describe('rules: the first that holds names the model.'),
    otherwise: targetName().optional().describe('rules: the model where none holds.'),
    fallbacks: oneOrMany(targetName(), 'a list of targets')
      .optional()
      .describe('Tried in this order when the chosen model cannot answer.'),
    fallback: fallback.prefault({}),
    feedback: feedbackSection
      .prefault({})
      .describe('weighted, balance: whether scores and costs move the weights. Default: off.'),
  }),
  'target',
)

/** The keys of the config file that say which model answers. */
export const routingShape = {
  routes: z
    .record(z.string(), route, { error: 'a mapping of route names' })
    .prefault({})
    .describe('Which model answers, in this order: the first route that matches. Nothing else changes a request.'),
  aliases: z
    .record(z.string(), aliasName(), { error: 'a mapping of model names' })
    .prefault({})
    .describe('What a model name means here: another model, or one at a provider.'),
  labels: section({
    task_types: oneOrMany(taskName(), 'a list of task types').prefault([...TASK_TYPES]),
    task: z
      .array(section({ label: taskName(), when: textMatch }), { error: 'a list of rules' })
      .prefault([])
      .describe('The first that holds labels a request whose x-understudy-task says nothing.'),
    complexity: z
      .array(section({ label: choice(['simple', 'moderate', 'complex']), when: textMatch }), {
        error: 'a list of rules',
      })
      .prefault([])
      .describe('The same for x-understudy-complexity.'),
  }).prefault({}),
  models: z
    .record(
      z.string(),
      section({
        context_tokens: wholeNumber(1, LARGEST_TOKENS).optional().describe('Input and output together.'),
        max_output_tokens: wholeNumber(1, LARGEST_TOKENS).optional(),
        lacks: oneOrMany(choice(NEEDS), 'a list of needs').optional().describe('What it cannot do.'),
        refuses: oneOrMany(fieldName(), 'a list of body fields').optional().describe('Fields its API refuses.'),
      }),
      { error: 'a mapping of models' },
    )
    .prefault({})
    .describe('What is known of models, by name or provider/model; it wins over the built-in catalogue.'),
}

function range(largest: number): z.ZodObject<
  {
    from: z.ZodOptional<z.ZodType<number>>
    below: z.ZodOptional<z.ZodType<number>>
  },
  z.core.$strict
> {
  return section({
    from: wholeNumber(0, largest).optional().describe('At least.'),
    below: wholeNumber(1, largest).optional().describe('Less than.'),
  })
}
