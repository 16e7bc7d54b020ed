import type { ArmDecision, CellDecision, Reason } from './decide-cell.ts'
import { isMove, type WeightDecision } from './decide-weights.ts'
import { ALL_TASKS } from './readings.ts'

/** Why a cell is as it is, as a sentence. */
const SENTENCES: Readonly<Record<Reason, string>> = {
  no_scores: 'Nobody says how good the answers are: there are no scores by a judge, people or pairs of a shadow.',
  stale: 'The last score is too old to say anything of now.',
  no_choice: 'There are not two targets that may be moved: the others are pinned, or a rollout moves them.',
  nothing_left: 'A target is shown not to be good enough, but there is no other one to take its share.',
  quarantined: 'A target is shown not to be good enough: it is out at once, until scores made since say otherwise.',
  returned: 'A target that was out is good enough by scores made since: it is tried again with a small share.',
  dwell: 'The weights moved less than an hour ago.',
  none_eligible: 'No target is shown to be good enough.',
  no_costs: 'Too few requests have a known cost: give the models prices.',
  not_shown: 'No target is shown to be worth more than another.',
  few_scores: 'The targets have had too few scores since the weights moved.',
  dead_band: 'What could be gained is less than two points.',
  own_way:
    'A target is out for all traffic and not shown to be bad at this task, which has its own weights from here on.',
  moved: 'One target is shown to be worth more than another.',
}

export function sentenceOf({ reason }: Pick<CellDecision, 'reason'>): string {
  return SENTENCES[reason]
}

/** A decision in one line: what moved, else why nothing did. */
export function decisionText({ cells }: Pick<WeightDecision, 'cells'>): string {
  const moved = cells.filter(isMove)
  if (moved.length > 0) return moved.map((cell) => `${taskText(cell.task)}: ${changesText(cell)}`).join('; ')
  const [first] = cells
  return first === undefined ? '' : sentenceOf(first)
}

export function taskText(task: string): string {
  return task === ALL_TASKS ? 'all traffic' : task
}

function changesText({ arms, reason }: CellDecision): string {
  const changes = arms
    .filter(({ share, next }) => Math.abs(next - share) >= 0.0005)
    .map((arm) => `${arm.arm} ${points(arm)}${whyOut(arm)}`)
  return `${changes.join(', ')}${reason === 'returned' ? ' (back)' : ''}`
}

function points({ share, next }: ArmDecision): string {
  return `${(100 * share).toFixed(1)} → ${(100 * next).toFixed(1)} %`
}

function whyOut({ standing, goodEnough, aboveMinimum, next, share }: ArmDecision): string {
  if (standing !== 'quarantined' || next > 0 || share === 0) return ''
  const isBelowMinimum = aboveMinimum !== undefined && aboveMinimum <= goodEnough
  return isBelowMinimum ? ' (below the least quality of the task)' : ' (worse than the reference)'
}
