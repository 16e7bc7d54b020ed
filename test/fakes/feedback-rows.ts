import type { StoreClient } from '../../src/store/client.ts'
import { namedRows } from '../../src/store/named-rows.ts'
import { mapField, timeField } from '../../src/store/row-fields.ts'
import type { Draws } from '../simulation/draws.ts'

/** A request of a route, and what was said of its answer. */
export type FedRequest = {
  readonly id: string
  readonly receivedAt: number
  readonly task: string
  readonly unit: string
  readonly model: string
  /** Undefined: unknown. */
  readonly usd: number | undefined
  /** The judge's; undefined = not asked. `scoredAt` is when it came. */
  readonly score: number | undefined
  readonly scoredAt: number
  /** To the reference model, with which a shadow compared it. */
  readonly d: number | undefined
  /** On which side of the pair the reference was. */
  readonly isReferenceStable: boolean
}

export type FedRoute = {
  readonly route: string
  readonly provider: string
  readonly reference: string
  /** Of all the requests. */
  readonly tags?: Readonly<Record<string, string>>
}

/** How requests of a model come out. */
export type FedModel = {
  readonly model: string
  readonly usd: number
  readonly quality: Readonly<Record<string, number>>
}

/** `count` requests over `spanMs` until `until`, spread over tasks and models; one unit makes four of them. */
export function feedbackRequests(
  draws: Draws,
  models: readonly FedModel[],
  tasks: readonly string[],
  { count, until, spanMs }: { readonly count: number; readonly until: number; readonly spanMs: number },
): readonly FedRequest[] {
  return Array.from({ length: count }, (_, index) => {
    const model = models[Math.floor(draws.unit() * models.length)]
    const task = tasks[Math.floor(draws.unit() * tasks.length)] ?? ''
    if (model === undefined) throw new Error('there are no models')
    const receivedAt = Math.floor(until - draws.unit() * spanMs)
    const quality = model.quality[task] ?? 0.5
    const score = [0, 1, 2, 3].reduce((sum) => sum + (draws.chance(quality) ? 0.25 : 0), 0)
    return {
      id: idAt(receivedAt, index),
      receivedAt,
      task,
      unit: draws.chance(0.2) ? '' : `unit-${Math.floor(draws.unit() * (count / 4))}`,
      model: model.model,
      usd: draws.chance(0.1) ? undefined : Number((model.usd * (0.5 + draws.unit())).toFixed(9)),
      score: draws.chance(0.8) ? score : undefined,
      scoredAt: receivedAt + 1_000 + Math.floor(draws.exponential(20_000)),
      d: draws.chance(0.3) ? Math.sign(Math.floor(draws.unit() * 3) - 1) : undefined,
      isReferenceStable: draws.chance(0.5),
    }
  })
}

/** A UUIDv7 of that time. */
function idAt(at: number, index: number): string {
  const hex = at.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${index.toString(16).padStart(12, '0')}`
}

/** Puts the requests into the tables, as the proxy would. */
export async function storeFeedback(
  client: StoreClient,
  { route, provider, reference, tags = {} }: FedRoute,
  requests: readonly FedRequest[],
): Promise<void> {
  await client.insertRows(
    'traces',
    namedRows(
      [
        'trace_id',
        'received_at',
        'route',
        'task',
        'unit',
        'provider',
        'served_provider',
        'target_model',
        'targets',
        'outcome',
        'status',
        'cost_usd',
        'tags',
      ],
      ...requests.map(({ id, receivedAt, task, unit, model, usd }) => [
        id,
        timeField(receivedAt),
        route,
        task,
        unit,
        provider,
        provider,
        model,
        [{ provider, model }],
        'completed',
        200,
        usd === undefined ? null : usd.toFixed(12),
        mapField(tags),
      ]),
    ),
    `traces of ${route} ${requests.length}`,
  )
  await client.insertRows(
    'attempts',
    namedRows(
      [
        'attempt_id',
        'trace_id',
        'started_at',
        'role',
        'provider',
        'model',
        'route',
        'task',
        'outcome',
        'status',
        'duration_ms',
        'first_token_ms',
        'cost_usd',
      ],
      ...requests.map(({ id, receivedAt, task, model, usd, score }, index) => [
        id,
        id,
        timeField(receivedAt),
        'primary',
        provider,
        model,
        route,
        task,
        score === undefined ? 'refused' : 'completed',
        score === undefined ? 429 : 200,
        100 + index,
        10 + index,
        usd === undefined ? null : usd.toFixed(12),
      ]),
    ),
    `attempts of ${route} ${requests.length}`,
  )
  await client.insertRows(
    'attempts',
    namedRows(
      [
        'attempt_id',
        'trace_id',
        'started_at',
        'role',
        'provider',
        'model',
        'route',
        'task',
        'outcome',
        'status',
        'cost_usd',
      ],
      ...requests.flatMap((request) => {
        const usd = shadowUsd(request)
        if (request.d === undefined) return []
        const { id, receivedAt, task, isReferenceStable, model } = request
        const own = isReferenceStable ? model : reference
        return [
          [
            shadowId(id),
            id,
            timeField(receivedAt),
            'shadow',
            provider,
            own,
            route,
            task,
            'completed',
            200,
            usd === undefined ? null : usd.toFixed(12),
          ],
        ]
      }),
    ),
    `shadow attempts of ${route} ${requests.length}`,
  )
  await client.insertRows(
    'scores',
    namedRows(
      [
        'trace_id',
        'attempt_id',
        'trace_at',
        'scored_at',
        'source',
        'evaluator',
        'version',
        'revision',
        'value',
        'route',
        'task',
        'provider',
        'model',
      ],
      ...requests.flatMap(({ id, receivedAt, scoredAt, score }) =>
        // Nothing that the row says of its request counts: the trace does.
        score === undefined
          ? []
          : [
              [
                id,
                NOBODY,
                timeField(receivedAt),
                timeField(scoredAt),
                'judge',
                'judge',
                'v1',
                '1',
                score,
                '',
                'unknown',
                '',
                '',
              ],
            ],
      ),
    ),
    `scores of ${route} ${requests.length}`,
  )
  await client.insertRows(
    'pairs',
    namedRows(
      [
        'trace_id',
        'stable_attempt_id',
        'candidate_attempt_id',
        'trace_at',
        'paired_at',
        'comparison',
        'is_control',
        'evaluator',
        'version',
        'revision',
        'd',
        'route',
        'task',
        'unit',
        'stable_provider',
        'stable_model',
        'candidate_provider',
        'candidate_model',
      ],
      ...requests.flatMap(({ id, receivedAt, scoredAt, task, unit, model, d, isReferenceStable }) => {
        if (d === undefined) return []
        const sides = isReferenceStable ? [reference, model] : [model, reference]
        const own = isReferenceStable ? d : -d
        return [
          [
            id,
            id,
            shadowId(id),
            timeField(receivedAt),
            timeField(scoredAt),
            'shadow',
            model === reference,
            'judge',
            'v1',
            '1',
            own,
            route,
            task,
            unit,
            provider,
            sides[0] ?? '',
            provider,
            sides[1] ?? '',
          ],
        ]
      }),
    ),
    `pairs of ${route} ${requests.length}`,
  )
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

/** What the shadow call beside a request cost: half of it, or twice as much. */
export function shadowUsd({ usd, isReferenceStable }: FedRequest): number | undefined {
  return usd === undefined ? undefined : Number((usd * (isReferenceStable ? 0.5 : 2)).toFixed(9))
}

function shadowId(id: string): string {
  return id.replace('-7000-', '-7001-')
}
