import Table from 'cli-table3'
import type { Config } from '../domain/policy.ts'
import { type AnswerFormat, answerJson } from './answer-format.ts'
import { type JsonRow, recordIn, rowsIn, textIn } from './json-rows.ts'
import { askAdmin } from './read-admin.ts'
import { requireRunning } from './run-file.ts'
import { tableText } from './table-text.ts'
import type { Terminal } from './terminal.ts'

/** Prints how the targets of the routes are. Only a running proxy knows: throws where none runs. */
export async function showTargets({ print }: Terminal, config: Config, format: AnswerFormat): Promise<number> {
  const running = await requireRunning(config.boot, 'the health of targets is known to a running one alone')
  const answer = await askAdmin(running, '/admin/targets', {})
  for (const line of format === 'json' ? [answerJson(answer)] : targetLines(answer)) print(line)
  return 0
}

/** The answer of `GET /admin/targets` as text. */
export function targetLines(answer: unknown): readonly string[] {
  const targets = rowsIn(answer, 'targets')
  if (targets.length === 0) return ['No route names a target.']
  const areMany = new Set(targets.map((target) => textIn(target, 'instance'))).size > 1
  const table = new Table({
    head: [
      'target',
      ...(areMany ? ['instance'] : []),
      'state',
      'why',
      'calls',
      'errors',
      'p50 ms',
      'p95 ms',
      'ttft p50',
      'left of limit',
      'active',
    ],
    style: { head: [], border: [] },
  })
  for (const target of targets) {
    const window = recordIn(target, 'window')
    table.push([
      textIn(target, 'target'),
      ...(areMany ? [textIn(target, 'instance')] : []),
      textIn(target, 'state'),
      whyOf(target, rowsIn(answer, 'providers')),
      textIn(window, 'calls'),
      percent(Number(textIn(window, 'error_rate'))),
      textIn(recordIn(target, 'duration_ms'), 'p50'),
      textIn(recordIn(target, 'duration_ms'), 'p95'),
      textIn(recordIn(target, 'first_token_ms'), 'p50'),
      leftOf(recordIn(target, 'headroom')),
      textIn(target, 'active_calls'),
    ])
  }
  return [tableText(table)]
}

/** Why a target is not healthy: its own outage, what it asked for, or its provider's connections. */
function whyOf(target: JsonRow, providers: readonly JsonRow[]): string {
  const until = textIn(target, 'throttled_until')
  const [name] = textIn(target, 'target').split('/')
  const owner = providers.find(
    (provider) => textIn(provider, 'provider') === name && textIn(provider, 'instance') === textIn(target, 'instance'),
  )
  const [own, connections] = [outageText(target), outageText(owner)]
  return [own, connections && `connections: ${connections}`, until && `until ${until}`]
    .filter((part) => part !== '')
    .join('; ')
}

function outageText(row: JsonRow | undefined): string {
  const outage = recordIn(row, 'outage')
  return outage === undefined ? '' : `${textIn(outage, 'why')} since ${textIn(outage, 'since')}`
}

/** The smaller share that is left, of requests or of tokens. */
function leftOf(headroom: JsonRow | undefined): string {
  const shares = ['requests', 'tokens'].flatMap((what) => {
    const [remaining, limit] = [textIn(headroom, `${what}_remaining`), textIn(headroom, `${what}_limit`)]
    return remaining === '' || limit === '' ? [] : [Number(remaining) / Number(limit)]
  })
  return shares.length === 0 ? '' : percent(Math.min(...shares))
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
