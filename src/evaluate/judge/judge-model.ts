import { createHash } from 'node:crypto'
import type { JsonRecord } from '../../dialects/json-value.ts'
import { jsonText } from '../../dialects/json-text.ts'

/** A model that judges, as the policy names it. */
export type JudgeModel = {
  /** Which API it is asked through. */
  readonly api: 'chat_completions' | 'messages'
  readonly model: string
  /** Reasoning included. */
  readonly maxOutputTokens: number
  /**
   * Whether it takes a schema (OpenAI) or a demanded tool (Anthropic, not together with thinking); without, it is only
   * told the form.
   */
  readonly isStructured: boolean
  /** Further members of the body: temperature, reasoning effort, seed; `store` for servers that do not know it. */
  readonly parameters: JsonRecord
}

/** Judge, prompt and parameters as one name: verdicts of two versions are never mixed. */
export function judgeVersion(judge: JudgeModel, promptVersion: string): string {
  const { api, model, maxOutputTokens, isStructured, parameters } = judge
  const settings = jsonText([api, maxOutputTokens, isStructured, Object.entries(parameters).sort(byName)])
  return `${model}/${promptVersion}/${createHash('sha256').update(settings).digest('hex').slice(0, 8)}`
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
