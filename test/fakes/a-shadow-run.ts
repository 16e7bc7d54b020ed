import { readFileSync } from 'node:fs'
import type { AnsweredPair } from '../../src/domain/answered.ts'
import { aModel, judgeHabits } from '../../src/simulator/model.ts'
import type { SimulatorOptions } from '../../src/simulator/start-simulator.ts'
import { post } from './a-simulator.ts'
import { anAnsweredPair, aSide, chatRequest } from './a-score-worker.ts'
import { realWorld } from './real-world.ts'

/** A question of which it is recorded whether the strong and the weak model got it right. */
export type RecordedQuestion = {
  readonly subject: string
  readonly text: string
  readonly strongIsRight: boolean
  readonly weakIsRight: boolean
}

/** Recorded outcomes of two models, in an order that mixes the subjects. */
export function recordedQuestions(): readonly RecordedQuestion[] {
  const file: { subjects: Record<string, string> } = JSON.parse(
    readFileSync(new URL('../fixtures/mmlu-outcomes.json', import.meta.url), 'utf8'),
  )
  const all = Object.entries(file.subjects).flatMap(([subject, digits]) =>
    digits.split('').map((digit, index) => ({
      subject,
      text: `[${subject} ${String(index).padStart(4, '0')}]`,
      strongIsRight: Number(digit) >= 2,
      weakIsRight: Number(digit) % 2 === 1,
    })),
  )
  // A multiplicative step visits each once: of all subjects in turn, the same every time.
  return all.map((_, index) => all[(index * 3571) % all.length]).filter((question) => question !== undefined)
}

/** The mean of weak less strong. */
export function trueDifference(questions: readonly RecordedQuestion[]): number {
  const sum = questions.reduce((total, each) => total + Number(each.weakIsRight) - Number(each.strongIsRight), 0)
  return sum / questions.length
}

/** Models `strong` and `weak` that answer as recorded, and a judge that knows what is right. */
export function recordedModels(questions: readonly RecordedQuestion[]): SimulatorOptions {
  const right = (holds: (question: RecordedQuestion) => boolean) =>
    new Set(questions.filter(holds).map(({ text }) => text))
  const plain = { outputTokens: { min: 8, max: 12 } }
  return {
    answers: new Map(questions.map(({ text }, index) => [text, `R${7000 + index}`])),
    logLimit: 1,
    models: [
      aModel('strong', { ...plain, rightAbout: right(({ strongIsRight }) => strongIsRight) }),
      aModel('weak', { ...plain, rightAbout: right(({ weakIsRight }) => weakIsRight) }),
      aModel('judge-exact', { judges: judgeHabits() }),
    ],
  }
}

/** Has both models answer, and gives what a mirror would hand over. */
export async function answeredPair(url: string, { subject, text }: RecordedQuestion): Promise<AnsweredPair> {
  const ask = async (model: string) => {
    const answer = await post(`${url}/v1/chat/completions`, { model, messages: [{ role: 'user', content: text }] })
    return aSide({
      attemptId: realWorld.newId(),
      target: { provider: 'sim', model },
      status: answer.status,
      body: Buffer.from(await answer.arrayBuffer()),
    })
  }
  const [stable, candidate] = await Promise.all([ask('strong'), ask('weak')])
  return anAnsweredPair({
    traceId: realWorld.newId(),
    requestBody: chatRequest(text),
    task: subject,
    stable,
    candidate,
  })
}
