import type { AnswerContent } from '../../dialects/answer-content.ts'
import type { PromptContent } from '../../dialects/prompt-content.ts'
import { TEXT_FORMAT } from '../../dialects/prompt-reading.ts'
import type { LabelledPair } from './calibration.ts'
import { type AskJudge, hearOut } from './hear-out.ts'
import { pairHearing } from './hearing.ts'
import type { JudgeModel } from './judge-model.ts'
import type { Label } from './read-labels.ts'

/** Has every label judged in both orders, so many at a time; `fenceKey` as of a judge's case. */
export async function judgeLabels(
  judge: JudgeModel,
  labels: readonly Label[],
  { ask, fenceKey, atOnce }: { readonly ask: AskJudge; readonly fenceKey: string; readonly atOnce: number },
): Promise<readonly LabelledPair[]> {
  const judged: LabelledPair[] = []
  for (let from = 0; from < labels.length; from += atOnce) {
    const batch = labels.slice(from, from + atOnce)
    judged.push(...(await Promise.all(batch.map((label, index) => judgeLabel(label, `label/${from + index}`)))))
  }
  return judged

  async function judgeLabel(label: Label, id: string): Promise<LabelledPair> {
    const pair = {
      id,
      fenceKey,
      prompt: promptOf(label.prompt),
      candidate: answerOf(label.candidate),
      stable: answerOf(label.stable),
    }
    const one = (await hearOut(pairHearing(judge, pair, 'candidate_first'), ask)).heard
    const other = (await hearOut(pairHearing(judge, pair, 'stable_first'), ask)).heard
    return {
      task: label.task,
      human: label.human,
      candidateFirst: one.kind === 'decided' ? one.said.verdict : undefined,
      stableFirst: other.kind === 'decided' ? other.said.verdict : undefined,
      candidateChars: label.candidate.length,
      stableChars: label.stable.length,
    }
  }
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
