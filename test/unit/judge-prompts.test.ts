import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { judgeVersion } from '../../src/evaluate/judge/judge-model.ts'
import { pairwiseRequest, rubricRequest } from '../../src/evaluate/judge/judge-request.ts'
import { anAnswer, aPrompt } from '../contract/evaluators.ts'
import { aJudge } from '../fakes/a-hearing.ts'

const aCase = { id: '0198c0de-0000-7000-8000-000000000001', fenceKey: 'k', prompt: aPrompt() }
const candidate = anAnswer({ text: 'It is 42.' })
const stable = anAnswer({ text: 'It is 41.' })

/** What is sent for a fixed case: prompt, limits of what is shown, delimiters and schema are all in it. */
function fingerprint(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}

// When this fails, give the prompt the next version in its file and put the new fingerprint beside it here: verdicts of
// two prompts must never pass for one.
it('sends what the version of each prompt sent when it was released', () => {
  const pair = { ...aCase, candidate, stable }
  const sent = (['chat_completions', 'messages'] as const).map((api) => ({
    'pairwise-1': fingerprint(pairwiseRequest(aJudge({ api }), pair, 'candidate_first')),
    'rubric-1': fingerprint(rubricRequest(aJudge({ api }), { ...aCase, answer: stable })),
  }))
  expect(sent).toMatchInlineSnapshot(`
    [
      {
        "pairwise-1": "5a80300886136cb6",
        "rubric-1": "92711ebe3f02175b",
      },
      {
        "pairwise-1": "782426641af0cf91",
        "rubric-1": "b3bf973baaf39bb1",
      },
    ]
  `)
})

it('names judge, prompt and parameters in one version, whatever the order of the parameters', () => {
  const one = judgeVersion(aJudge({ parameters: { temperature: 0, seed: 1 } }), 'pairwise-1')
  expect(one).toMatch(/^judge-fair\/pairwise-1\/[\da-f]{8}$/)
  expect(judgeVersion(aJudge({ parameters: { seed: 1, temperature: 0 } }), 'pairwise-1')).toBe(one)
  for (const other of [{ parameters: {} }, { maxOutputTokens: 1 }, { isStructured: false }, { model: 'x' }])
    expect(judgeVersion(aJudge({ parameters: { temperature: 0, seed: 1 }, ...other }), 'pairwise-1')).not.toBe(one)
})
