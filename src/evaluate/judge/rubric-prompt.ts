/** What the judge of a single answer is told; its version as in `pairwise-prompt.ts`. A level is stored as level/4. */
export const RUBRIC_PROMPT = {
  version: 'rubric-1',
  instructions: `You grade one answer to a request on five levels.

4: correct, complete and in the form that was asked for; a person who asked would change nothing.
3: correct and useful; a small omission, or a fault of form that does no harm.
2: partly correct or partly done; the person who asked must add or repair something that matters.
1: mostly wrong or beside the request; little of it is of use.
0: wrong, harmful, empty, or declines what could have been done.

Length is no merit. Who wrote the answer means nothing. A call of a tool is an answer too: grade which tool is called and with which arguments. Between two levels take the lower one.`,
  task: 'Grade the answer.',
  schema: {
    type: 'object',
    properties: {
      reason: { type: 'string', description: 'One or two sentences.' },
      level: { type: 'integer', enum: [0, 1, 2, 3, 4] },
    },
    required: ['reason', 'level'],
    additionalProperties: false,
  },
  shape: '{"reason": "one or two sentences", "level": 0, 1, 2, 3 or 4}',
} as const
