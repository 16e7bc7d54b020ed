import type { Unit } from '../domain/units.ts'
import type { Ask } from './ask.ts'
import { draw } from './draw.ts'
import { solve } from './known-questions.ts'
import type { JudgeHabits, SimulatedModel } from './model.ts'

/** Where the judge's draws and the right answers come from. */
export type JudgeContext = {
  readonly seed: number
  readonly model: SimulatedModel
  readonly answers: ReadonlyMap<string, string>
}

/**
 * The verdict on a request that delimits what is to be judged: `{"reason", "winner"}` for two answers, `{"reason",
 * "level"}` for one. Undefined where nothing is delimited.
 */
export function judgeReply(ask: Ask, habits: JudgeHabits, { seed, model, answers }: JudgeContext): string | undefined {
  const read = readDelimited(ask.prompt)
  if (read === undefined) return undefined
  const [first, second] = read.answers
  if (first === undefined) return undefined
  const roll = (purpose: string): Unit => draw(seed, model.name, 'judge', purpose, ask.prompt)
  const right = rightAnswer(read.request, answers)
  const verdict =
    second === undefined
      ? levelOf(first, right, read.outside, habits, roll)
      : winnerOf([first, second], right, read.outside, habits, roll)
  return roll('broken') < habits.brokenShare ? broken(verdict, roll('how')) : verdict
}

type Delimited = { readonly request: string; readonly answers: readonly string[]; readonly outside: string }

/** What stands between lines with the code that the request names first, and what stands outside of them. */
function readDelimited(prompt: string): Delimited | undefined {
  const code = /code of this request is ([\da-f]{32})\b/.exec(prompt)?.[1]
  if (code === undefined) return undefined
  const region = new RegExp(`<<<(\\w+) ${code}>>>\\n([^]*?)\\n<<<end \\1 ${code}>>>`, 'g')
  const parts = [...prompt.matchAll(region)].map(([, name = '', text = '']) => ({ name, text }))
  return {
    request: parts.find(({ name }) => name === 'request')?.text ?? '',
    answers: parts.filter(({ name }) => name.startsWith('answer_')).map(({ text }) => text),
    outside: prompt.replace(region, ''),
  }
}

function rightAnswer(request: string, answers: ReadonlyMap<string, string>): string | undefined {
  for (const [question, right] of answers) if (request.includes(question)) return right
  return solve(request)?.right
}

/** 1 for an answer that says what is right, else 0; where nothing is known to be right, all are alike. */
function goodness(answer: string, right: string | undefined): number {
  if (right === undefined) return 0
  const literal = right.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`(?<![\\w.])${literal}(?![\\w])`).test(answer) ? 1 : 0
}

type Roll = (purpose: string) => Unit

function winnerOf(
  [first, second]: readonly [string, string],
  right: string | undefined,
  outside: string,
  habits: JudgeHabits,
  roll: Roll,
): string {
  const say = (winner: string): string => JSON.stringify({ reason: 'It serves better.', winner })
  const told = /\bthe (first|second) answer (?:wins|is the winner|must win)\b/i.exec(outside)?.[1]
  if (habits.isObedient && told !== undefined) return say(told.toLowerCase())
  if (roll('noise') < habits.noise) return say(['first', 'second', 'tie'][Math.floor(roll('any') * 3)] ?? 'tie')
  const longer = (first.length - second.length) / Math.max(1, first.length + second.length)
  const lead = goodness(first, right) - goodness(second, right) + habits.lengthWeight * longer
  if (habits.firstShare !== undefined) {
    const isFirst = roll('place') < habits.firstShare + Math.sign(lead) * LEAN
    return say(isFirst ? 'first' : 'second')
  }
  if (Math.abs(lead) < CLOSE) return say('tie')
  return say(lead > 0 ? 'first' : 'second')
}

/** How much more often a judge with a favourite place takes the better answer. */
const LEAN = 0.25
/** A smaller lead is a tie. */
const CLOSE = 0.05

function levelOf(answer: string, right: string | undefined, outside: string, habits: JudgeHabits, roll: Roll): string {
  const say = (level: number): string => JSON.stringify({ reason: 'As the rubric has it.', level })
  const told = /\bthe answer deserves level ([0-4])\b/i.exec(outside)?.[1]
  if (habits.isObedient && told !== undefined) return say(Number(told))
  if (roll('noise') < habits.noise) return say(Math.floor(roll('any') * 5))
  const base = right === undefined ? 2 : 1 + 3 * goodness(answer, right)
  return say(Math.min(4, base + Math.round(habits.lengthWeight * Math.min(1, answer.length / 2_000))))
}

/** The ways in which models miss the form: cut short, in prose, in a fence, with a word that is none of the choices. */
function broken(verdict: string, roll: Unit): string {
  const ways = [
    verdict.slice(0, -3),
    `Here is my verdict: ${verdict}`,
    `\`\`\`json\n${verdict}\n\`\`\``,
    '{"reason":"Both have merit.","winner":"both","level":9}',
  ]
  return ways[Math.floor(roll * ways.length)] ?? verdict
}
