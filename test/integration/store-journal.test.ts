import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JournalEntry } from '../../src/domain/changes/journal-entry.ts'
import { openChangeLog } from '../../src/store/change-log.ts'
import { openJournal } from '../../src/store/journal.ts'
import { EMPTY_LIVE_FILE } from '../../src/store/live-file.ts'
import { quietLog, startTestEngine, type TestEngine } from '../fakes/clickhouse.ts'

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
  for (let revision = 1; revision <= 8; revision++) {
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
  const all = await writers[0]?.since({ rollout_events: {} })
  expect(all?.kind === 'ok' && all.value.map(({ revision }) => revision)).toEqual(
    Array.from({ length: 8 }, (_none, index) => index + 1),
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
  const read = await journal.since({ config_changes: { policy: 3 }, rollout_events: { one: 2 }, weight_decisions: {} })
  expect(read.kind === 'ok' && read.value.map(({ table, name, revision }) => [table, name, revision])).toEqual([
    ['config_changes', 'policy', 3],
    ['rollout_events', 'two', 1],
    ['weight_decisions', 'chat', 1],
  ])
  expect(read).toMatchObject({ value: [{ table: 'config_changes', ...anEntry('policy', 3, ID(3)) }, {}, {}] })
})

test('a table that nobody asks about is not read', async () => {
  const journal = openJournal(await clientOf('tables'))
  const read = await journal.since({ weight_decisions: { chat: 1 } })
  expect(read.kind === 'ok' && read.value.map(({ table }) => table)).toEqual(['weight_decisions'])
})

test('whoever follows a journal of its own learns of it in the look at the changes of the policy', async () => {
  const journal = openJournal(await clientOf('followed'))
  const seen: (readonly [string, number])[] = []
  const known: Record<string, number> = {}
  const log = openChangeLog({
    journal,
    kept: EMPTY_LIVE_FILE,
    followers: [
      {
        table: 'rollout_events',
        isWanted: () => true,
        position: () => known,
        take: (rows) => {
          for (const { name, revision } of rows) {
            if (revision <= (known[name] ?? 0)) continue
            known[name] = revision
            seen.push([name, revision])
          }
        },
      },
    ],
    log: quietLog,
    onChange: () => undefined,
  })
  await journal.append('rollout_events', anEntry('one', 1, ID(1)))
  expect(await log.sync()).toBe(true)
  await journal.append('rollout_events', anEntry('one', 2, ID(2)))
  await journal.append('rollout_events', anEntry('two', 1, ID(3)))
  expect(await log.sync()).toBe(true)
  expect(seen).toEqual([
    ['one', 1],
    ['one', 2],
    ['two', 1],
  ])
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
  expect((await journal.since({ config_changes: {} })).kind).toBe('unavailable')
  expect((await journal.append('config_changes', anEntry('policy', 1, ID(1)))).kind).toBe('unavailable')
  const gone = openJournal(await clientOf('never_migrated', false))
  expect((await gone.since({ config_changes: {} })).kind).toBe('unavailable')
})

async function clientOf(database: string, isMigrated = true) {
  const client = isMigrated ? await engine.migrated(database) : engine.client(database)
  return () => client
}
