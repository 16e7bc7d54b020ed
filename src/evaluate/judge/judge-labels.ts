import type { AnswerContent } from '../../dialects/answer-content.ts'
import type { PromptContent } from '../../dialects/prompt-content.ts'
import { TEXT_FORMAT } from '../../dialects/prompt-reading.ts'
import type { LabelledPair } from './calibration.ts'
import { type AskJudge, hearOut } from './hear-out.ts'
import { pairHearing } from './hearing.ts'
import type { JudgeModel } from './judge-model.ts'
import { judgeLive } from './judge-live.ts'
import type { Label } from './read-labels.ts'
import type { PairChoice } from './read-verdict.ts'

type Asking = {
  readonly ask: AskJudge
  /** As of a judge's case. */
  readonly fenceKey: string
  /** So many labels at a time. */
  readonly atOnce: number
}

/** Has every label judged in both orders, as the pairs of shadows are. */
export function judgeLabels(
  judge: JudgeModel,
  labels: readonly Label[],
  { ask, fenceKey, atOnce }: Asking,
): Promise<readonly LabelledPair[]> {
  return inBatches(labels, atOnce, async (label, id) => {
    const pair = {
      id,
      fenceKey,
      prompt: promptOf(label.prompt),
      candidate: answerOf(label.candidate),
      stable: answerOf(label.stable),
    }
    const one = (await hearOut(pairHearing(judge, pair, 'candidate_first'), ask)).heard
    const other = (await hearOut(pairHearing(judge, pair, 'stable_first'), ask)).heard
    return labelled(
      label,
      one.kind === 'decided' ? one.said.verdict : undefined,
      other.kind === 'decided' ? other.said.verdict : undefined,
    )
  })
}

/** Has both answers of every label graded, each by itself, as live answers are: the one on the higher level is better. */
export function gradeLabels(
  judge: JudgeModel,
  labels: readonly Label[],
  { ask, fenceKey, atOnce }: Asking,
): Promise<readonly LabelledPair[]> {
  return inBatches(labels, atOnce, async (label, id) => {
    const about = { fenceKey, prompt: promptOf(label.prompt) }
    const candidate = (await judgeLive(judge, { ...about, id: `${id}/candidate` }, answerOf(label.candidate), ask))
      .value
    const stable = (await judgeLive(judge, { ...about, id: `${id}/stable` }, answerOf(label.stable), ask)).value
    if (candidate === undefined || stable === undefined) return labelled(label, undefined, undefined)
    if (candidate === stable) return labelled(label, 'tie', 'tie')
    return candidate > stable ? labelled(label, 'first', 'second') : labelled(label, 'second', 'first')
  })
}

async function inBatches(
  labels: readonly Label[],
  atOnce: number,
  judgeLabel: (label: Label, id: string) => Promise<LabelledPair>,
): Promise<readonly LabelledPair[]> {
  const judged: LabelledPair[] = []
  for (let from = 0; from < labels.length; from += atOnce) {
    const batch = labels.slice(from, from + atOnce)
    judged.push(...(await Promise.all(batch.map((label, index) => judgeLabel(label, `label/${from + index}`)))))
  }
  return judged
}

function labelled(
  { task, human, candidate, stable }: Label,
  candidateFirst: PairChoice | undefined,
  stableFirst: PairChoice | undefined,
): LabelledPair {
  return { task, human, candidateFirst, stableFirst, candidateChars: candidate.length, stableChars: stable.length }
}

function promptOf(text: string): PromptContent {
  return {
    system: '',
    turns: [{ role: 'user', text }],
    tools: [],
    format: TEXT_FORMAT,
    hasImages: false,
    hasFiles: false,
    hasHostedTools: false,
    hasStoredConversation: false,
    isBackground: false,
    lastUserText: text,
    isClipped: false,
  }
}

function answerOf(text: string): AnswerContent {
  return {
    text,
    toolCalls: [],
    refusal: undefined,
    finishReason: 'stop',
    errorType: undefined,
    isTruncated: false,
    isClipped: false,
  }
}
