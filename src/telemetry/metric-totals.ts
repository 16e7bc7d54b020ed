import { sampleText } from './exposition.ts'

/** Sums the metrics of several processes. */
export type MetricTotals = {
  /** Keeps the counts of a process that is gone, so that no total falls when another takes its place. */
  readonly retire: (exposition: string) => void
  /** One exposition out of those of the processes that run, the primary's first. */
  readonly add: (expositions: readonly string[]) => string
}

/** `sum` by default. `first`: the primary's own value is the one that counts. */
type Rule = 'sum' | 'max' | 'min' | 'first'

/** Gauges whose sum would mean nothing. */
const RULES: Readonly<Record<string, Rule>> = {
  understudy_build_info: 'first',
  understudy_config_last_applied_timestamp_seconds: 'first',
  understudy_config_file_in_force: 'first',
  understudy_config_restart_needed: 'first',
  understudy_spool_max_bytes: 'first',
  understudy_spool_oldest_unsent_seconds: 'max',
  understudy_target_headroom_ratio: 'min',
  understudy_provider_headroom_ratio: 'min',
  understudy_event_loop_delay_p99_seconds: 'max',
  process_start_time_seconds: 'first',
  process_max_fds: 'first',
  nodejs_version_info: 'first',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_eventloop_lag_mean_seconds: 'max',
  nodejs_eventloop_lag_stddev_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
}

type Family = {
  /** Its HELP and TYPE lines. */
  header: string
  type: string
  /** By name and labels as they are written: equal series have equal text in all processes of one program. */
  readonly samples: Map<string, number>
}

type Families = Map<string, Family>

/** Works on the text format as this program and the client library write it: HELP, TYPE, then samples without times. */
export function createMetricTotals(): MetricTotals {
  const retired: Families = new Map()
  return {
    retire: (exposition) => {
      for (const [name, family] of parse(exposition)) {
        if (family.type === 'counter' || family.type === 'histogram') addFamily(retired, name, family)
      }
    },
    add: (expositions) => {
      const totals: Families = new Map()
      for (const exposition of expositions) {
        for (const [name, family] of parse(exposition)) addFamily(totals, name, family)
      }
      for (const [name, family] of retired) addFamily(totals, name, family)
      return [...totals.values()].map(write).join('')
    },
  }
}

function addFamily(totals: Families, name: string, { header, type, samples }: Family): void {
  const rule = RULES[name] ?? 'sum'
  let total = totals.get(name)
  if (total === undefined) totals.set(name, (total = { header, type, samples: new Map() }))
  for (const [series, value] of samples) {
    const before = total.samples.get(series)
    total.samples.set(series, before === undefined ? value : combined(rule, before, value))
  }
}

function combined(rule: Rule, before: number, value: number): number {
  switch (rule) {
    case 'first':
      return before
    case 'max':
      // A process that has measured nothing yet says NaN.
      return Number.isNaN(before) ? value : Number.isNaN(value) ? before : Math.max(before, value)
    case 'min':
      return Math.min(before, value)
    case 'sum':
      return before + value
  }
}

function write({ header, samples }: Family): string {
  let text = header
  for (const [series, value] of samples) text += `${series} ${sampleText(value)}\n`
  return text
}

function parse(exposition: string): Families {
  const families: Families = new Map()
  let current: Family | undefined
  for (const line of exposition.split('\n')) {
    if (line === '') continue
    if (line.startsWith('# ')) {
      const [, word, name = '', type = ''] = line.split(' ', 4)
      current = families.get(name)
      if (current === undefined) families.set(name, (current = { header: '', type: '', samples: new Map() }))
      current.header += `${line}\n`
      if (word === 'TYPE') current.type = type
    } else {
      const end = line.lastIndexOf(' ')
      current?.samples.set(line.slice(0, end), numberOf(line.slice(end + 1)))
    }
  }
  return families
}

function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
}
