import { globMatcher } from '../glob.ts'
import type { Facts } from './facts.ts'
import type { Hours, Match, Range, Route } from './route.ts'
import { zoneClock } from './zone-clock.ts'

/** One field of a match, ready to be asked. */
export type Condition = {
  /** As the config file calls it. */
  readonly field: string
  readonly expected: string
  readonly holds: (asked: Asked) => boolean
  /** What the request has there, for people. */
  readonly found: (asked: Asked) => string
}

/** A request and what its model name means here. */
export type Asked = { readonly facts: Facts; readonly model: string | undefined }

/** The conditions of `match`, those that cost least first; all must hold. Throws RangeError on an unknown time zone. */
export function conditionsOf(match: Match): readonly Condition[] {
  const { headers, tags, flags, needs } = match
  return [
    ...oneOf('mount', match.mounts, ({ facts }) => facts.provider),
    ...oneOf('dialect', match.dialects, ({ facts }) => facts.dialect),
    ...oneOf('api', match.apis, ({ facts }) => facts.api),
    ...(match.isStream === undefined
      ? []
      : [
          {
            field: 'stream',
            expected: String(match.isStream),
            holds: ({ facts }: Asked) => facts.isStream === match.isStream,
            found: ({ facts }: Asked) => String(facts.isStream),
          },
        ]),
    ...modelCondition(match.models),
    ...oneOf('key', match.keys, ({ facts }) => facts.key),
    ...oneOf('task', match.tasks, ({ facts }) => facts.labels.task),
    ...oneOf('complexity', match.complexities, ({ facts }) => facts.labels.complexity),
    ...within('input_tokens', match.inputTokens, ({ facts }) => facts.inputTokens),
    ...within('turn', match.turns, ({ facts }) => facts.turn),
    ...(needs === undefined
      ? []
      : [
          {
            field: 'needs',
            expected: needs.join(' and '),
            holds: ({ facts }: Asked) => needs.every((need) => facts.needs.includes(need)),
            found: ({ facts }: Asked) => facts.needs.join(', ') || 'nothing',
          },
        ]),
    ...globs('path', match.paths, ({ facts }) => facts.path),
    ...globs('team', match.teams, ({ facts }) => facts.team),
    ...globs('user', match.users, ({ facts }) => facts.user),
    ...[...(headers ?? [])].flatMap(([name, values]) =>
      globs(`headers.${name}`, values, ({ facts }) => own(facts.headers, name)),
    ),
    ...[...(tags ?? [])].flatMap(([name, values]) =>
      globs(`tags.${name}`, values, ({ facts }) => own(facts.tags, name)),
    ),
    ...(flags === undefined
      ? []
      : [
          {
            field: 'flag',
            expected: flags.join(' or '),
            holds: ({ facts }: Asked) => flagsOf(facts).some((flag) => flags.includes(flag)),
            found: ({ facts }: Asked) => flagsOf(facts).join(', ') || 'nothing',
          },
        ]),
    ...hoursCondition(match.hours),
  ]
}

/** What a route asks beyond its `match`: its own dialect, and an API that generates unless it names others. */
export function routeConditions({ dialect, match }: Pick<Route, 'dialect' | 'match'>): readonly Condition[] {
  return [
    {
      field: 'dialect',
      expected: `${dialect}, as the targets`,
      holds: ({ facts }) => facts.dialect === dialect,
      found: ({ facts }) => facts.dialect,
    },
    ...(match.apis === undefined
      ? [
          {
            field: 'api',
            expected: 'one that generates',
            holds: ({ facts }: Asked) => facts.api !== 'embeddings' && facts.api !== 'embed_content',
            found: ({ facts }: Asked) => facts.api,
          },
        ]
      : []),
    ...conditionsOf(match),
  ]
}

export function holds(conditions: readonly Condition[], asked: Asked): boolean {
  for (const condition of conditions) if (!condition.holds(asked)) return false
  return true
}

function oneOf(
  field: string,
  wanted: readonly string[] | undefined,
  read: (asked: Asked) => string,
): readonly Condition[] {
  if (wanted === undefined) return []
  const set = new Set(wanted)
  return [{ field, expected: wanted.join(' or '), holds: (asked) => set.has(read(asked)), found: read }]
}

function globs(
  field: string,
  patterns: readonly string[] | undefined,
  read: (asked: Asked) => string | undefined,
): readonly Condition[] {
  if (patterns === undefined) return []
  const matches = anyGlob(patterns)
  return [
    {
      field,
      expected: patterns.join(' or '),
      holds: (asked) => {
        const text = read(asked)
        return text !== undefined && matches(text)
      },
      found: (asked) => read(asked) ?? 'nothing',
    },
  ]
}

/** The model as the client named it, or what an alias makes of it. */
function modelCondition(patterns: readonly string[] | undefined): readonly Condition[] {
  if (patterns === undefined) return []
  const matches = anyGlob(patterns)
  return [
    {
      field: 'model',
      expected: patterns.join(' or '),
      holds: ({ facts, model }) =>
        (facts.model !== undefined && matches(facts.model)) ||
        (model !== undefined && model !== facts.model && matches(model)),
      found: ({ facts, model }) =>
        model === facts.model
          ? (model ?? 'nothing')
          : `${facts.model ?? 'nothing'}, by its alias ${model ?? 'nothing'}`,
    },
  ]
}

function within(
  field: string,
  range: Range | undefined,
  read: (asked: Asked) => number | undefined,
): readonly Condition[] {
  if (range === undefined) return []
  const expected = [
    range.from === undefined ? '' : `from ${range.from}`,
    range.below === undefined ? '' : `below ${range.below}`,
  ]
  return [
    {
      field,
      expected: expected.filter((text) => text !== '').join(' and '),
      holds: (asked) => isWithin(range, read(asked)),
      found: (asked) => String(read(asked) ?? 'unknown'),
    },
  ]
}

/** Whether `value` is known and in `range`. */
export function isWithin({ from, below }: Range, value: number | undefined): boolean {
  return value !== undefined && (from === undefined || value >= from) && (below === undefined || value < below)
}

function hoursCondition(hours: Hours | undefined): readonly Condition[] {
  if (hours === undefined) return []
  const { fromMinute, toMinute, zone, days } = hours
  const clock = zoneClock(zone)
  const isOn = (day: number): boolean => days === undefined || days.includes(day)
  return [
    {
      field: 'hours',
      expected: `${clockText(fromMinute)}-${clockText(toMinute)} in ${zone}${days === undefined ? '' : ` on days ${days.join(', ')}`}`,
      holds: ({ facts }) => {
        const { minute, day } = clock(facts.at)
        if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute && isOn(day)
        // Past midnight the window is still that of the day on which it began.
        return (minute >= fromMinute && isOn(day)) || (minute < toMinute && isOn(day === 1 ? 7 : day - 1))
      },
      found: ({ facts }) => {
        const { minute, day } = clock(facts.at)
        return `${clockText(minute)} on day ${day}`
      },
    },
  ]
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

function anyGlob(patterns: readonly string[]): (text: string) => boolean {
  const [first, ...others] = patterns.map(globMatcher)
  if (first === undefined) return () => false
  return others.length === 0 ? first : (text) => first(text) || others.some((matches) => matches(text))
}

/** Clients name tags and headers, so a name of Object's own must not be found in an empty record. */
function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function flagsOf({ tags }: Facts): readonly string[] {
  const text = own(tags, 'flags')
  return text === undefined ? [] : text.split(/[ +]+/).filter((flag) => flag !== '')
}
