/** One line of a scrape. `name` is the sample's (`…_bucket`), not the family's. */
export type Sample = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export type ScrapedFamily = { readonly type: string; readonly help: string; readonly samples: readonly Sample[] }

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"/
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] } as const

/**
 * Parses the Prometheus text format 0.0.4 more strictly than Prometheus: every family has HELP and TYPE before its
 * samples and appears once, no series appears twice, buckets are cumulative and end with +Inf = count.
 * Throws with the offending line.
 */
export function parseExposition(text: string): ReadonlyMap<string, ScrapedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>()
  const seen = new Set<string>()
  let current: { name: string; help: string } | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    const help = /^# HELP ([^ ]+) (.+)$/.exec(line)
    const type = /^# TYPE ([^ ]+) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (help !== null) {
      current = { name: help[1] ?? '', help: help[2] ?? '' }
      if (families.has(current.name)) throw new Error(`family twice: ${line}`)
    } else if (type !== null) {
      if (current === undefined || current.name !== type[1]) throw new Error(`TYPE without its HELP: ${line}`)
      families.set(current.name, { type: type[2] ?? '', help: current.help, samples: [] })
    } else {
      const sample = parseSample(line)
      const family = families.get(current?.name ?? '')
      if (family === undefined || !belongs(sample.name, current?.name ?? '', family.type)) {
        throw new Error(`sample outside its family: ${line}`)
      }
      const series = `${sample.name} ${seriesKey(sample.labels)}`
      if (seen.has(series)) throw new Error(`series twice: ${line}`)
      seen.add(series)
      family.samples.push(sample)
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkBuckets(name, family.samples)
  return families
}

/** The value of the one series of `name` with exactly these labels; undefined when there is none. */
export function sampleOf(
  families: ReadonlyMap<string, ScrapedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = seriesKey(labels)
  return [...families.values()]
    .flatMap(({ samples }) => samples)
    .find((sample) => sample.name === name && seriesKey(sample.labels) === wanted)?.value
}

/** Equal for equal label sets in any order. */
function seriesKey(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function parseSample(line: string): Sample {
  const name = NAME.exec(line)?.[0]
  if (name === undefined) throw new Error(`no metric name: ${line}`)
  let rest = line.slice(name.length)
  const labels: Record<string, string> = {}
  if (rest.startsWith('{')) {
    rest = rest.slice(1)
    while (!rest.startsWith('}')) {
      const match = LABEL.exec(rest)
      if (match === null) throw new Error(`bad label: ${line}`)
      const [whole, label = '', value = ''] = match
      if (Object.hasOwn(labels, label)) throw new Error(`label twice: ${line}`)
      labels[label] = value.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
      rest = rest.slice(whole.length)
      if (rest.startsWith(',')) rest = rest.slice(1)
      else if (!rest.startsWith('}')) throw new Error(`labels not separated: ${line}`)
    }
    rest = rest.slice(1)
  }
  const value = /^ ([+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(rest)?.[1]
  if (value === undefined) throw new Error(`bad value: ${line}`)
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
}

function belongs(sample: string, family: string, type: string): boolean {
  if (type === 'histogram' || type === 'summary') return SUFFIXES[type].some((suffix) => sample === family + suffix)
  return sample === family
}

function checkBuckets(name: string, samples: readonly Sample[]): void {
  const bySeries = Map.groupBy(samples, ({ labels }) => seriesKey({ ...labels, le: '' }))
  for (const [series, group] of bySeries) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => value)
    const count = group.find((sample) => sample.name === `${name}_count`)?.value
    const isAscending = (numbers: readonly number[], may: 'repeat' | 'rise'): boolean =>
      numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? 0) || (may === 'repeat' && n === numbers[i - 1]))
    if (!isAscending(bounds, 'rise') || bounds.at(-1) !== Infinity) throw new Error(`bounds of ${name}${series}`)
    if (!isAscending(counts, 'repeat') || counts.at(-1) !== count) throw new Error(`buckets of ${name}${series}`)
  }
}
