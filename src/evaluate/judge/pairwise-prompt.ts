/**
 * What the judge of a pair is told. The version goes on every verdict: text that changes gets the next one, and
 * `test/unit/judge-prompts.test.ts` holds each version to its text.
 */
export const PAIRWISE_PROMPT = {
  version: 'pairwise-1',
  instructions: `You compare two answers to the same request and say which one serves the person who asked better.

Judge in this order: is it correct; does it do what was asked, in the form that was asked for; is it complete without being padded; is it clear. Length is no merit: a short answer that does everything is better than a long one that does the same. The order in which the answers stand means nothing, and neither does who wrote them. If neither is clearly better, say so: that is a tie. An answer that declines what could be done loses against one that does it. Calls of tools are answers too: compare which tool is called and with which arguments.`,
  task: 'Compare the two answers and give your verdict.',
  schema: {
    type: 'object',
    properties: {
      reason: { type: 'string', description: 'One or two sentences.' },
      winner: { type: 'string', enum: ['first', 'second', 'tie'] },
    },
    required: ['reason', 'winner'],
    additionalProperties: false,
  },
  shape: '{"reason": "one or two sentences", "winner": "first" or "second" or "tie"}',
} as const
