import { z } from 'zod'
import { ASKED_STATES, BAD_EVENTS, HARM_WHILE_PAUSED } from '../domain/rollout/rollout.ts'
import { percentage, percentOf, usd } from './amount-leaves.ts'
import { leaf } from './leaf.ts'
import { choice, durationMs, flag, text, wholeNumber } from './leaves.ts'
import { targetName } from './routing-leaves.ts'
import { taskName } from './routing-schema.ts'
import { section } from './section.ts'
import { oneOrMany, orOnly } from './shorthand.ts'

/** A percentage of the units, or all of them. */
function stepOrFull(): z.ZodType<number | 'full'> {
  const expected = 'a percentage of steps such as 25%, or full'
  return leaf<number | 'full'>(
    (value) => {
      const step = value === 'full' ? value : percentOf(value)
      return step === undefined ? { expected } : { value: step }
    },
    {
      show: (shown) => (/^[\w.%]{1,12}$/.test(shown) ? `"${shown}"` : undefined),
      json: { type: 'string', pattern: '^(\\d{1,3}(\\.\\d{1,4})?%|full)$|\\$\\{' },
    },
  )
}

/** What must be shown to leave a stage; what is not said is as the pace has it. */
const gateShape = {
  quality_margin: percentage()
    .optional()
    .describe('How much lower its mean score may be, in hundredths of the scale: 3% of 1 is 0.03.'),
  quality_margin_by_task: z
    .record(z.string(), percentage(), { error: 'a mapping of task types' })
    .optional()
    .describe('Another one for some task types.'),
  success_margin: percentage().optional().describe("By how much its share of bad events may exceed the control's."),
  min_pairs: wholeNumber(1, 1_000_000).optional().describe('Fewest pairs of scores.'),
  dwell: durationMs().optional().describe('Shortest stay.'),
  max_duration: durationMs().optional().describe('After so long somebody is told. Nothing is promoted by time.'),
  approval: choice(['none', 'required', 'given'])
    .optional()
    .describe('Whether a person must agree before it goes on. given: has agreed. Default: none.'),
}

const rollout = section({
  route: text('the name of a route of this file', /^\S{1,64}$/).describe('Where the candidate is to take over.'),
  candidate: targetName().describe('The model on trial: of the same dialect, at a provider with an api_key here.'),
  stable: targetName()
    .optional()
    .describe('The target of the route that it may replace. Default: the only one there is.'),
  pace: choice(['normal', 'careful', 'small'])
    .prefault('normal')
    .describe('Steps, margins and times. careful: a week at 5%. small: for fewer than 5000 requests a day.'),
  shadow: orOnly(
    section({
      enabled: flag().prefault(true),
      sample: percentage()
        .optional()
        .describe("Share of the route's requests that is mirrored. Default: 25%; at the pace small all."),
      budget: section({
        per_hour: usd().describe('USD in a clock hour.'),
        per_day: usd().describe('USD in a day of UTC.'),
      })
        .prefault({ per_hour: '1', per_day: '10' })
        .describe('Of mirrored calls.'),
      ...gateShape,
    }),
    'enabled',
  )
    .optional()
    .describe('The stage before the first step, in which no client sees the candidate. false: none.'),
  steps: oneOrMany(
    orOnly(
      section({
        percent: percentage().describe('Of new conversations, between 0% and 100%.'),
        ...gateShape,
      }),
      'percent',
    ),
    'a list of percentages',
  )
    .optional()
    .describe('By rising percentage. What a step does not say is as the pace has it at that percentage.'),
  bake: orOnly(
    section({
      duration: durationMs().optional(),
      min_pairs: wholeNumber(1, 1_000_000).optional(),
      max_duration: durationMs().optional(),
    }),
    'duration',
  )
    .optional()
    .describe('The last look: 95% on the candidate, 5% kept for comparison.'),
  guardrails: oneOrMany(choice(BAD_EVENTS), 'a list of bad events')
    .prefault([...BAD_EVENTS])
    .describe('Bad events that roll back; quality always does.'),
  tasks_apart: oneOrMany(taskName(), 'a list of task types')
    .optional()
    .describe('Task types that must each show their own evidence. Default: all are taken together.'),
  metric: text('judge, feedback, or the name of an evaluator', /^[a-z][\w-]{0,63}$/)
    .optional()
    .describe('Which score is the quality. Default: judge where there is one, else feedback.'),
  scored: percentage()
    .prefault('25%')
    .describe("Least share of the compared answers that is scored, of both arms alike, within the judge's budget."),
  trust_judge: flag()
    .prefault(false)
    .describe('Takes the judge at its word, without its agreement with people having been shown.'),
  alpha_promote: percentage().prefault('5%').describe('Chance per stage of promoting what is worse by the margin.'),
  alpha_rollback: percentage().prefault('5%').describe('Chance per stage of rolling back what does no harm.'),
  stale_after: durationMs().prefault('15m').describe('With evidence older than this nothing is decided.'),
  harm_while_paused: choice(HARM_WHILE_PAUSED)
    .prefault('rollback')
    .describe('What certain harm does while it is paused and clients get its answers. hold: it only tells.'),
  cooldown: durationMs().optional().describe('After a rollback it is not tried again before this has passed.'),
  salt: text('a word of letters, digits, - and _', /^[\w.-]{1,64}$/)
    .optional()
    .describe('Another salt deals other units to the candidate. Default: the name of the rollout.'),
  state: choice(ASKED_STATES)
    .prefault('running')
    .describe('What it is asked to be. A change is a command; what is done by the API or the CLI later counts.'),
  promote_to: stepOrFull()
    .optional()
    .describe('By hand, without waiting for evidence: at least to this step, or to everybody.'),
})

/** Candidates that take over routes step by step, by name. */
export const rolloutsShape = {
  rollouts: z
    .record(z.string(), rollout, { error: 'a mapping of rollout names' })
    .prefault({})
    .describe('Models that take over a route step by step, on evidence, and are rolled back on harm.'),
}
