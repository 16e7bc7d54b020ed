import type { Stage } from './stage.ts'

/** Whether people agree with the judge of this stage, whichever of its prompts they were shown. */
export async function isJudgeTrusted({ ask, scores, rollout }: Stage): Promise<boolean> {
  const own = (version: string): string => `replaceRegexpOne(${version}, '/[^/]+/([0-9a-f]{8})$', '/\\\\1')`
  const rows = await ask(
    { task: 'text', is_trusted: 'number' },
    `SELECT task, toUInt8(max(trust.is_trusted)) AS is_trusted
    FROM {database:Identifier}.v_judge_trust AS trust
    WHERE ${own('trust.judge_version')} IN (SELECT ${own('version')} FROM (${scores}))
    GROUP BY task`,
  )
  const trusted = new Set(rows.filter(({ is_trusted }) => is_trusted === 1).map(({ task }) => task))
  return trusted.has('') || (rollout.tasksApart.length > 0 && rollout.tasksApart.every((task) => trusted.has(task)))
}
