import { describe, expect, it } from 'vitest'
import { type Hearing, pairHearing, rubricHearing } from '../../src/evaluate/judge/hearing.ts'
import { pairVerdict } from '../../src/evaluate/judge/pair-verdict.ts'
import type { PairChoice } from '../../src/evaluate/judge/read-verdict.ts'
import { anAnswer, aPrompt } from '../contract/evaluators.ts'
import { aJudge, heard } from '../fakes/a-hearing.ts'
import { aSimulator } from '../fakes/a-simulator.ts'

const simulator = aSimulator()
const prompt = aPrompt({ turns: [{ role: 'user', text: 'What is 6 * 7?' }] })
const right = anAnswer({ text: 'It is 42.' })
const wrong = anAnswer({ text: 'It is 41.' })

function aPair(id: string, changes: object = {}) {
  return { id, fenceKey: 'k', prompt, candidate: right, stable: wrong, ...changes }
}

/** A chat reply with this text. */
function saying(text: string, finish = 'stop'): Buffer {
  return Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { content: text }, finish_reason: finish }] }))
}

describe('one hearing', () => {
  const hearing = pairHearing(aJudge(), aPair('a'), 'candidate_first')
  const GOOD = '{"reason":"Correct.","winner":"second"}'

  it('is decided by exactly one JSON object of the shape that was asked for', () => {
    expect(hearing.hear(200, saying(` ${GOOD}\n`))).toEqual({
      kind: 'decided',
      said: { verdict: 'second', reason: 'Correct.' },
    })
  })

  const MALFORMED = [
    '',
    'second',
    `Verdict: ${GOOD}`,
    `\`\`\`json\n${GOOD}\n\`\`\``,
    GOOD + GOOD,
    `[${GOOD}]`,
    '{"winner":"second"}',
    '{"reason":"x","winner":"Second"}',
    '{"reason":"x","winner":"both"}',
    '{"reason":"x","winner":["second"]}',
    '{"reason":"x","winner":"second","level":4}',
    '{"reason":1,"winner":"tie"}',
    GOOD.slice(0, -1),
  ]
  it.each(MALFORMED)('asks once more after %j, and fails after the second such reply', (text) => {
    const step = hearing.hear(200, saying(text))
    const repair: Hearing<PairChoice> | undefined = step.kind === 'repair' ? step.hearing : undefined
    expect(repair?.hear(200, saying(text))).toEqual({ kind: 'failed', why: 'not_a_verdict' })
    expect(repair?.hear(200, saying(GOOD))).toMatchObject({ kind: 'decided' })
    // What the judge had said is not sent back.
    expect(JSON.stringify(repair?.request.body).includes(JSON.stringify(text).slice(1, -1)) && text.length > 8).toBe(
      false,
    )
  })

  it('takes no verdict from a reply that was cut or refused', () => {
    expect(hearing.hear(200, saying(GOOD, 'length')).kind).toBe('repair')
    expect(hearing.hear(200, saying(GOOD, 'content_filter')).kind).toBe('repair')
  })

  it('fails at once where no answer came, without asking again', () => {
    expect(hearing.hear(0, Buffer.alloc(0))).toEqual({ kind: 'failed', why: 'no_reply' })
    expect(hearing.hear(429, saying(GOOD))).toEqual({ kind: 'failed', why: 'refused' })
  })

  it('takes levels from 0 to 4 and nothing between or beyond', () => {
    const rubric = rubricHearing(aJudge(), { id: 'a', fenceKey: 'k', prompt, answer: right })
    for (const level of [0, 1, 2, 3, 4])
      expect(rubric.hear(200, saying(`{"reason":"","level":${level}}`))).toMatchObject({ said: { verdict: level } })
    for (const level of ['5', '-1', '2.5', '"3"', 'null'])
      expect(rubric.hear(200, saying(`{"reason":"","level":${level}}`)).kind).toBe('repair')
  })
})

describe('both orders', () => {
  const table: readonly (readonly [PairChoice, PairChoice, number, boolean])[] = [
    ['first', 'second', 1, true],
    ['second', 'first', -1, true],
    ['tie', 'tie', 0, true],
    ['first', 'first', 0, false],
    ['second', 'second', 0, false],
    ['first', 'tie', 0.5, false],
    ['tie', 'first', -0.5, false],
  ]
  it.each(table)('%s, then %s: the candidate gets %d', (candidateFirst, stableFirst, d, isConsistent) => {
    expect(pairVerdict(candidateFirst, stableFirst)).toEqual({ d, isConsistent })
  })

  it('are no verdict where one of them is missing', () => {
    expect(pairVerdict('first', undefined)).toBeUndefined()
    expect(pairVerdict(undefined, 'tie')).toBeUndefined()
  })
})

describe('simulated judges over the wire', () => {
  it('find the better answer in both dialects, structured and not', async () => {
    for (const api of ['chat_completions', 'messages'] as const) {
      for (const isStructured of [true, false]) {
        simulator().setModel('judge-sure', { judges: { ...NO_HABITS, noise: 0 } })
        const judge = aJudge({ api, isStructured, model: 'judge-sure' })
        const one = await heard(simulator().url, pairHearing(judge, aPair('b'), 'candidate_first'))
        const other = await heard(simulator().url, pairHearing(judge, aPair('b'), 'stable_first'))
        expect([one, other]).toMatchObject([{ said: { verdict: 'first' } }, { said: { verdict: 'second' } }])
        const graded = rubricHearing(judge, { id: 'c', fenceKey: 'k', prompt, answer: right })
        expect(await heard(simulator().url, graded)).toMatchObject({ said: { verdict: 4 } })
      }
    }
  })

  it('that break their JSON are asked once more, and what is still broken is missing', async () => {
    simulator().setModel('judge-broken', { judges: { ...NO_HABITS, brokenShare: 0.5 } })
    const outcomes = { decided: 0, failed: 0, repair: 0 }
    const sent = { requests: 0 }
    for (let i = 0; i < 120; i++) {
      const hearing = pairHearing(
        aJudge({ model: 'judge-broken', isStructured: i % 2 === 0 }),
        aPair(`d${i}`),
        'stable_first',
      )
      const outcome = await heard(simulator().url, hearing, sent)
      outcomes[outcome.kind] += 1
    }
    expect(outcomes.repair).toBe(0)
    expect(outcomes.failed).toBeGreaterThan(120 * 0.12)
    expect(outcomes.failed).toBeLessThan(120 * 0.4)
    expect(sent.requests - 120).toBeGreaterThan(outcomes.failed)
  })
})

const NO_HABITS = { noise: 0, firstShare: undefined, lengthWeight: 0, isObedient: false, brokenShare: 0 }
