import { anyGlob, type Asked, type Condition, globs, oneOf, within } from './condition.ts'
import type { Facts } from './facts.ts'
import { hoursCondition } from './hours-condition.ts'
import type { Match, Route } from './route.ts'

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

/** Clients name tags and headers, so a name of Object's own must not be found in an empty record. */
function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function flagsOf({ tags }: Facts): readonly string[] {
  const text = own(tags, 'flags')
  return text === undefined ? [] : text.split(/[ +]+/).filter((flag) => flag !== '')
}
