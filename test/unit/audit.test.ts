import { describe, expect, test } from 'vitest'
import type { AuditAnswer } from '../../src/domain/audit.ts'
import { auditCells } from '../../src/evaluate/audit/audit-cells.ts'
import { type AuditPath, auditPaths } from '../../src/evaluate/audit/audit-paths.ts'
import { runAudit } from '../../src/evaluate/audit/run-audit.ts'
import type { GoldenQuestion } from '../../src/evaluate/golden.ts'
import { aRoutingState } from '../fakes/a-routing.ts'

const BUDGET = 1_000n

function anAnswer(changes: Partial<AuditAnswer> = {}): AuditAnswer {
  return {
    kind: 'route',
    path: 'chat',
    question: 'q1',
    task: 'math',
    answeredAt: 0,
    traceId: undefined,
    value: 1,
    failure: '',
    model: 'm',
    picoUsd: 10n,
    ...changes,
  }
}

const chat: AuditPath = { kind: 'route', path: 'chat', dialect: 'openai', mount: 'sim', model: 'm', route: 'chat' }
const target: AuditPath = { ...chat, kind: 'target', path: 'sim/m', route: 'default' }
const questions: readonly GoldenQuestion[] = Array.from({ length: 20 }, (_, each) => ({
  id: `q${each}`,
  prompt: 'p',
  expected: 'e',
  task: 'math',
}))

describe('the paths of an audit', () => {
  const all = { routes: undefined, hasKey: false }

  test('are every route and every model that one may lead to, each once, in every dialect', () => {
    const { policy } = aRoutingState(`routes:
  chat: { match: { model: [gpt-*, mine] }, targets: [{ target: openai/a, weight: 1 }, { target: openai/b, weight: 0 }], fallbacks: [second/c] }
  again: { match: { model: other }, target: openai/a }
  gem: { target: gemini/g }
`)
    const { paths, leftOut } = auditPaths(policy, all)
    expect(paths.map(({ kind, path, model, route }) => `${kind} ${path} ${model} ${route}`)).toEqual([
      'route chat mine chat',
      'route again other again',
      'route gem g gem',
      'target openai/a a default',
      'target openai/b b default',
      'target second/c c default',
      'target gemini/g g default',
    ])
    expect(leftOut).toEqual([])
  })

  test('leave out what a client would have to pay for, unless its key is there, and models that only a client names', () => {
    const { policy } = aRoutingState(`routes:
  theirs: { match: { model: a* }, target: keyless/a }
  any: { match: { model: b* }, target: openai/* }
`)
    expect(auditPaths(policy, all).leftOut.map(({ path }) => path)).toEqual(['theirs', 'any', 'keyless/a', 'openai/*'])
    expect(auditPaths(policy, { ...all, hasKey: true }).paths.map(({ path }) => path)).toEqual(['theirs', 'keyless/a'])
    expect(auditPaths(policy, { ...all, routes: new Set(['any']) }).leftOut.map(({ path }) => path)).toEqual([
      'any',
      'openai/*',
    ])
  })
})

describe('a run', () => {
  const run = async (picoUsd: bigint | undefined, changes: Partial<Parameters<typeof runAudit>[0]> = {}) => {
    const asked: AuditAnswer[] = []
    let underWay = 0
    let most = 0
    const ending = await runAudit({
      paths: [chat, target],
      questions,
      done: [],
      budget: BUDGET,
      maxConcurrent: 3,
      ask: async ({ kind, path }, { id }) => {
        most = Math.max(most, ++underWay)
        await Promise.resolve()
        underWay -= 1
        return anAnswer({ kind, path, question: id, picoUsd })
      },
      keep: (answer) => void asked.push(answer),
      signal: new AbortController().signal,
      ...changes,
    })
    return { ending, asked, most }
  }

  test('asks every question down every path, so many at a time', async () => {
    const { ending, asked, most } = await run(1n)
    expect([ending, asked.length, most]).toEqual(['complete', 40, 3])
    expect(new Set(asked.map(({ path, question }) => `${path} ${question}`)).size).toBe(40)
  })

  test('goes on where another ended, and counts what that cost', async () => {
    const done = questions.slice(0, 19).map(({ id }) => anAnswer({ question: id, picoUsd: 50n }))
    const { ending, asked } = await run(10n, { done, paths: [chat] })
    expect([ending, asked.map(({ question }) => question)]).toEqual(['complete', ['q19']])
    expect((await run(10n, { done: done.map((each) => ({ ...each, picoUsd: 60n })) })).asked).toEqual([])
  })

  test('ends within one answer of its budget', async () => {
    const { ending, asked } = await run(90n)
    expect(ending).toBe('budget')
    expect(asked).toHaveLength(12)
  })

  test('stops when it is told to, and what is under way is not lost', async () => {
    const stop = new AbortController()
    const { ending, asked } = await run(undefined, {
      signal: stop.signal,
      ask: async ({ kind, path }, { id }) => {
        if (id === 'q4') stop.abort()
        return stop.signal.aborted && id !== 'q4' ? undefined : anAnswer({ kind, path, question: id })
      },
    })
    expect(ending).toBe('stopped')
    expect(asked.length).toBeGreaterThanOrEqual(5)
    expect(asked.length).toBeLessThan(8)
  })
})

test('a cell counts what gave no answer as wrong, and passes at its minimum', () => {
  const answers = [
    anAnswer({ value: 1 }),
    anAnswer({ question: 'q2', value: undefined, failure: 'status_500' }),
    anAnswer({ question: 'q3', task: 'coding', picoUsd: undefined }),
    anAnswer({ kind: 'target', path: 'a/b', value: 0 }),
  ]
  const minimum = new Map([['math', 0.5]])
  expect(auditCells(answers, (task) => minimum.get(task))).toMatchObject([
    {
      kind: 'route',
      path: 'chat',
      task: 'coding',
      mean: 1,
      minimum: undefined,
      isPassed: undefined,
      picoUsd: undefined,
    },
    { kind: 'route', path: 'chat', task: 'math', answered: 1, failed: 1, mean: 0.5, isPassed: true, picoUsd: 20n },
    { kind: 'target', path: 'a/b', task: 'math', mean: 0, isPassed: false },
  ])
})
