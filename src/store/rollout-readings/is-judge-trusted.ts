import type { Stage } from './stage.ts'

/**
 * Whether people agree with the judge of this stage as it was asked in it: comparing two answers in the shadow, grading one
 * when live. Each version that gave a verdict must be trusted, over all tasks and on each that is shown apart.
 */
export async function isJudgeTrusted({ ask, scores, rollout }: Stage): Promise<boolean> {
  const rows = await ask(
    { version: 'text', tasks: 'texts' },
    `SELECT stage.version AS version, groupArrayIf(trust.task, trust.is_trusted) AS tasks
    FROM (SELECT DISTINCT version FROM (${scores})) AS stage
    LEFT JOIN {database:Identifier}.v_judge_trust AS trust ON trust.judge_version = stage.version
    GROUP BY version`,
  )
  const wanted = ['', ...rollout.tasksApart]
  return rows.length > 0 && rows.every(({ tasks }) => wanted.every((task) => tasks.includes(task)))
}
