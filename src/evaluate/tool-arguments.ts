import type { ToolCall } from '../dialects/content-parts.ts'
import type { PromptTool } from '../dialects/prompt-reading.ts'
import { type Evaluator, type EvaluationInput, isAnswered, NOT_APPLICABLE, scored, type Verdict } from './evaluator.ts'
import { parseAnswer } from './parse-answer.ts'
import type { CheckSchema } from './schema-check.ts'

/** The share of an answer's tool calls that name a tool of the request, with arguments that follow its schema. */
export function toolArguments(checkSchema: CheckSchema): Evaluator {
  return {
    name: 'tool_arguments',
    version: 1,
    applies,
    score: (input): Verdict => {
      if (!applies(input)) return NOT_APPLICABLE
      const { toolCalls } = input.answer
      const faults = toolCalls.map((call) => faultOf(call, input.prompt?.tools ?? [], checkSchema))
      const failed = faults.find((fault) => fault?.isFailed === true)
      if (failed !== undefined) return { kind: 'failed', why: failed.text }
      const good = faults.filter((fault) => fault === undefined).length
      const first = faults.find((fault) => fault !== undefined)
      return scored(good / toolCalls.length, first?.text ?? `${good} of ${toolCalls.length} calls are valid`)
    },
  }
}

function applies(input: EvaluationInput): boolean {
  return isAnswered(input) && input.answer.toolCalls.length > 0 && (input.prompt?.tools.length ?? 0) > 0
}

type Fault = { readonly text: string; readonly isFailed: boolean }

function faultOf(call: ToolCall, tools: readonly PromptTool[], checkSchema: CheckSchema): Fault | undefined {
  const tool = tools.find(({ name }) => name === call.name)
  if (tool === undefined) return { text: 'calls a tool that was not offered', isFailed: false }
  if (tool.schema === undefined) return undefined
  const parsed = parseAnswer(call.argumentsText)
  if (parsed.kind === 'not_json') return { text: 'arguments are not valid JSON', isFailed: false }
  const verdict = checkSchema(tool.schema, parsed.value)
  switch (verdict.kind) {
    case 'valid':
      return undefined
    case 'invalid':
      return { text: `arguments break ${verdict.where.slice(0, 120)}`, isFailed: false }
    case 'failed':
      return { text: verdict.why, isFailed: true }
  }
}
