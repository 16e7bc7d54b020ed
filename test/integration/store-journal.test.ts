import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import { openJournal } from '../../src/store/journal.ts'
import { startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.close())

const ID = (number: number): string => `0199a0b0-0000-7000-8000-${String(number).padStart(12, '0')}`

function anEntry(name: string, revision: number, id: string): JournalEntry {
  return {
    name,
    revision,
    id,
    at: 1_790_000_000_123,
    instance: 'here',
    actor: 'ada',
    reason: 'it\'s "cheaper"\n',
    policyVersion: '0123456789abcdef',
    kind: 'weights_set',
    subject: name,
    before: '{}',
    after: '{"weights":{}}',
    details: '{}',
  }
}

test('of several that want a revision one has it, and all read the same one', async () => {
  const writers = await Promise.all([1, 2, 3, 4, 5, 6].map(async () => openJournal(await clientOf('race'))))
  for (let revision = 1; revision <= 15; revision++) {
    const sent = await Promise.all(
      writers.map((writer, index) =>
        writer.append('rollout_events', anEntry('r', revision, ID(revision * 10 + index))),
      ),
    )
    expect(sent.every(({ kind }) => kind === 'sent')).toBe(true)
    const reads = await Promise.all(writers.map((writer) => writer.since({ rollout_events: { r: revision } })))
    const rows = reads.map((read) => (read.kind === 'ok' ? read.value : []))
    expect(rows[0]).toHaveLength(1)
    for (const row of rows) expect(row).toEqual(rows[0])
  }
  const all = await writers[0]?.since({})
  expect(all?.kind === 'ok' && all.value.map(({ revision }) => revision)).toEqual(
    Array.from({ length: 15 }, (_none, index) => index + 1),
  )
})

test('one look tells of all tables what is new in each name, and the last that was known', async () => {
  const journal = openJournal(await clientOf('tables'))
  const sent = [
    ...[1, 2, 3].map((revision) => journal.append('config_changes', anEntry('policy', revision, ID(revision)))),
    journal.append('rollout_events', anEntry('one', 1, ID(11))),
    journal.append('rollout_events', anEntry('two', 1, ID(12))),
    journal.append('weight_decisions', anEntry('chat', 1, ID(13))),
  ]
  expect((await Promise.all(sent)).filter(({ kind }) => kind !== 'sent')).toEqual([])
  const read = await journal.since({ config_changes: { policy: 3 }, rollout_events: { one: 2 } })
  expect(read.kind === 'ok' && read.value.map(({ table, name, revision }) => [table, name, revision])).toEqual([
    ['config_changes', 'policy', 3],
    ['rollout_events', 'two', 1],
    ['weight_decisions', 'chat', 1],
  ])
  expect(read).toMatchObject({ value: [{ table: 'config_changes', ...anEntry('policy', 3, ID(3)) }, {}, {}] })
})

test('a policy came into force when it first did anywhere', async () => {
  const journal = openJournal(await clientOf('policies'))
  expect(await journal.policySeenAt('v1')).toEqual({ kind: 'ok', value: undefined })
  const policy = { version: 'v1', variables: ['KEY'], text: '{}', instance: 'here', appliedAt: 1_790_000_000_500 }
  await journal.recordPolicy(policy)
  await journal.recordPolicy({ ...policy, instance: 'there', appliedAt: 1_790_000_000_100 })
  expect(await journal.policySeenAt('v1')).toEqual({ kind: 'ok', value: 1_790_000_000_100 })
})

test('without a server nothing is told and nothing is thrown', async () => {
  const journal = openJournal(() => undefined)
  expect((await journal.since({})).kind).toBe('unavailable')
  expect((await journal.append('config_changes', anEntry('policy', 1, ID(1)))).kind).toBe('unavailable')
  const gone = openJournal(await clientOf('never_migrated', false))
  expect((await gone.since({})).kind).toBe('unavailable')
})

async function clientOf(database: string, isMigrated = true) {
  const client = isMigrated ? await engine.migrated(database) : engine.client(database)
  return () => client
}
