/** What a table holds about a person, and what becomes of it when that person is erased. */
export type PersonalTable = {
  readonly table: string
  /** Why that is right. */
  readonly because: string
} & (
  | { readonly holds: 'nothing' }
  /** The row goes. `key`: which of its rows are the person's, compared with what the erasure found. */
  | { readonly holds: 'rows'; readonly key: PersonKey }
  /** These columns are made what `blank` says; what remains names nobody. */
  | { readonly holds: 'columns'; readonly key: PersonKey; readonly blank: Readonly<Record<string, string>> }
)

/** A column or expression, and the column of table `erasures` that it is looked up in. */
export type PersonKey = { readonly expression: string; readonly found: 'trace_id' | 'row_hash' }

const BY_TRACE: PersonKey = { expression: 'trace_id', found: 'trace_id' }
const nothing = (table: string, because: string): PersonalTable => ({ table, holds: 'nothing', because })

/**
 * All tables there are. Order matters: traces come last, for by them the other rows are found again when an erasure is
 * cut short and begun anew.
 */
export const PERSONAL_TABLES: readonly PersonalTable[] = [
  { table: 'contents', holds: 'rows', key: BY_TRACE, because: 'What the person said and was told.' },
  {
    table: 'quarantine',
    holds: 'rows',
    key: { expression: 'cityHash64(row)', found: 'row_hash' },
    because: 'Refused rows are kept whole, as text.',
  },
  {
    table: 'scores',
    holds: 'columns',
    key: BY_TRACE,
    blank: { explanation: "''" },
    because: 'A judge may quote the answer; the value alone names nobody.',
  },
  {
    table: 'pairs',
    holds: 'columns',
    key: BY_TRACE,
    blank: { explanation: "''", unit: "''" },
    because: 'As scores; the unit may be a hash of the person.',
  },
  {
    table: 'attempts',
    holds: 'columns',
    key: BY_TRACE,
    blank: { provider_request_id: "''", response_id: "''" },
    because: 'By these ids the provider knows whose call it was; what it cost is still to be added up.',
  },
  {
    table: 'traces',
    holds: 'columns',
    key: BY_TRACE,
    blank: {
      user: "''",
      end_user: "''",
      session: "''",
      conversation: "''",
      tags: 'map()',
      user_agent: "''",
      parent_trace_id: "''",
      unit: "''",
      decision_inputs: "''",
    },
    because:
      'What it cost and how long it took stays, so that the sums stay right; the key is the application, not the person.',
  },
  nothing('shadow_funnel', 'Counts.'),
  nothing('proxy_readings', 'Gauges of processes.'),
  nothing('calibrations', 'Agreement of a judge with people who are not named.'),
  nothing('audits', 'Sums over questions of the operator.'),
  nothing('audit_answers', 'Scores of answers to questions of the operator.'),
  nothing('traces_1m', 'Sums over many.'),
  nothing('traces_1h', 'Sums over many.'),
  nothing('attempts_1m', 'Sums over many.'),
  nothing('attempts_1h', 'Sums over many.'),
  nothing('config_changes', 'Of operators, kept to account for what they did.'),
  nothing('rollout_events', 'Of operators, likewise.'),
  nothing('weight_decisions', 'Of operators, likewise.'),
  nothing('rollout_decisions', 'Counts and sums, and what followed from them.'),
  nothing('policy_versions', 'Of operators, likewise.'),
  nothing('migrations', 'Of this program.'),
  nothing('leases', 'Of this program.'),
  nothing('erasures', 'Ids of requests that name nobody any more, for seven days; never which were of one person.'),
]
