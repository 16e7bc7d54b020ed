/** What the data says of a model beside its two limits. */
export type ModelMarks = ReadonlySet<string>

/**
 * "Parameters not supported by reasoning models" (learn.microsoft.com/azure/ai-services/openai/how-to/reasoning). Some
 * take them at effort `none`; a request that loses them is answered, one that keeps them may not be.
 */
const OPENAI_REASONING = [
  'max_tokens',
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'logprobs',
  'logit_bias',
]
/** "Not supported with latest reasoning models o3 and o4-mini" (platform.openai.com/docs/api-reference/chat, `stop`). */
const WITHOUT_STOP = /^(?:o3|o4-mini)(?:-|$)/
/** "Sampling parameters removed" from Opus 4.7 on (platform.claude.com/docs, "Migration guide"). */
const SAMPLING = ['temperature', 'top_p', 'top_k']
/**
 * Effort came with Opus 4.5; "Default effort: not supported" for the others of its generation
 * (platform.claude.com/docs/en/models).
 */
const WITHOUT_EFFORT = /^claude-(?:sonnet|haiku)-4-5/
/** "Adaptive (always on)" (platform.claude.com/docs/en/models); Opus 4.7 as Bedrock has it ("Adaptive thinking"). */
const CANNOT_BE_STILL = /^claude-(?:fable|mythos|opus-5-5|opus-4-7)/

/**
 * The body fields that a model's API answers with an error, by names of chat completions. `thinking:enabled` and the
 * like are kinds of Anthropic's `thinking`.
 */
export function refusedFields(providerId: string, model: string, marks: ModelMarks): readonly string[] {
  if (providerId === 'openai' || providerId === 'azure') {
    if (!marks.has('reasoning')) return ['reasoning_effort']
    return WITHOUT_STOP.test(model) ? [...OPENAI_REASONING, 'stop'] : OPENAI_REASONING
  }
  if (providerId !== 'anthropic') return []
  return [
    ...(marks.has('no_sampling') ? SAMPLING : []),
    ...(marks.has('adaptive_only') ? ['thinking:enabled'] : []),
    ...(CANNOT_BE_STILL.test(model) ? ['thinking:disabled'] : []),
    ...(model.includes('-4-5') ? ['thinking:adaptive'] : []),
    ...(WITHOUT_EFFORT.test(model) ? ['output_config.effort'] : []),
  ]
}
