import { expect, it } from 'vitest'
import { readLabels } from '../../src/evaluate/judge/read-labels.ts'

const GOOD = { prompt: 'p', candidate: 'c', stable: 's', human: 'tie' }

it('reads one label per line, whose task may be left out', () => {
  const lines = [{ ...GOOD, human: 'candidate', task: 'math' }, { ...GOOD, human: 'stable' }, GOOD].map((label) =>
    JSON.stringify(label),
  )
  const plain = { task: 'unknown', prompt: 'p', candidate: 'c', stable: 's' }
  expect(readLabels(`${lines.join('\r\n\n')}\n`)).toEqual({
    faults: [],
    labels: [
      { ...plain, task: 'math', human: 1 },
      { ...plain, human: -1 },
      { ...plain, human: 0 },
    ],
  })
})

it('tells every fault at once, with its line and what was expected', () => {
  const lines = [
    'no json',
    '',
    JSON.stringify(GOOD),
    JSON.stringify({ ...GOOD, human: 1 }),
    JSON.stringify({ ...GOOD, prompt: undefined }),
    JSON.stringify({ ...GOOD, candidate: 1 }),
    JSON.stringify({ ...GOOD, stable: [] }),
    JSON.stringify({ ...GOOD, task: 7 }),
    '[]',
  ]
  const { labels, faults } = readLabels(lines.join('\n'))
  expect(labels).toHaveLength(1)
  expect(faults).toEqual([
    'line 1: expected one JSON object',
    'line 4: human: expected "candidate", "stable" or "tie"',
    'line 5: prompt: expected a text',
    'line 6: candidate: expected a text',
    'line 7: stable: expected a text',
    'line 8: task: expected a text, or nothing',
    'line 9: expected one JSON object',
  ])
})
