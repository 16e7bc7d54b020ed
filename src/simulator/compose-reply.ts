import type { Unit } from '../domain/units.ts'
import type { Ask, Reply, ToolCall } from './ask.ts'
import { draw, drawSequence } from './draw.ts'
import type { Faults } from './faults.ts'
import { fillerText } from './filler-text.ts'
import { GIGANTIC_MARK, giganticPieces } from './gigantic.ts'
import { isObject, parseJson, type JsonObject } from './json.ts'
import { jsonFromSchema } from './json-from-schema.ts'
import { judgeReply } from './judge-reply.ts'
import { solve } from './known-questions.ts'
import type { SimulatedModel } from './model.ts'
import { splitTokens } from './tokens.ts'

export type ReplyContext = {
  readonly seed: number
  readonly model: SimulatedModel
  readonly faults: Faults
  /** Right answers that the simulator is told about, by question: looked for in the prompt's last turn. */
  readonly answers: ReadonlyMap<string, string>
}

/** What the model says. The same seed, model, prompt and choice give the same reply, whenever it is asked. */
export function composeReply(ask: Ask, context: ReplyContext, choice: number): Reply {
  const { model, faults, seed } = context
  const next = drawSequence(seed, model.name, ask.prompt, choice)
  const reasoningTokens = ask.thinks ? Math.max(model.reasoningTokens, 16) : model.reasoningTokens
  const thinking = reasoningTokens > 0 ? fillerText(reasoningTokens, faults.isMultibyte, next) : undefined
  const base = { thinking, reasoningTokens, toolCalls: [] }

  if (faults.isRefusal)
    return { ...base, ...said("I'm sorry, but I can't help with that.", undefined), finish: 'refusal' }
  if (faults.giganticBytes !== undefined) {
    const pieces = giganticPieces(faults.giganticBytes)
    return { ...base, text: GIGANTIC_MARK, pieces, finish: 'stop', visibleTokens: Math.ceil(faults.giganticBytes / 4) }
  }
  const verdict = model.judges === undefined ? undefined : judgeReply(ask, model.judges, context)
  if (verdict !== undefined) return { ...base, ...delivered(ask, verdict) }
  const answer = answerTo(ask, context, choice)
  const toolCalls = callTools(ask, fieldsOf(answer), next)
  if (toolCalls.length > 0) {
    const visibleTokens = toolCalls.reduce((sum, call) => sum + 8 + splitTokens(call.argumentsJson).length, 0)
    return { ...base, text: undefined, pieces: [], toolCalls, finish: 'tool_calls', visibleTokens }
  }
  const room = ask.maxTokens === undefined ? undefined : Math.max(0, ask.maxTokens - reasoningTokens)
  return { ...base, ...said(write(ask, context, answer, next), room) }
}

/** A verdict in the form that was asked for: the arguments of the demanded tool, or the text. */
function delivered(ask: Ask, verdict: string): Omit<Reply, 'thinking' | 'reasoningTokens'> {
  const { toolChoice } = ask
  if (typeof toolChoice !== 'object') return { toolCalls: [], ...said(verdict, ask.maxTokens) }
  const toolCalls = [{ name: toolChoice.name, argumentsJson: verdict }]
  return { text: undefined, pieces: [], toolCalls, finish: 'tool_calls', visibleTokens: splitTokens(verdict).length }
}

/** The text, cut at `room` tokens. */
function said(text: string, room: number | undefined): Pick<Reply, 'text' | 'pieces' | 'finish' | 'visibleTokens'> {
  const all = splitTokens(text)
  const pieces = room === undefined ? all : all.slice(0, room)
  const isCutShort = pieces.length < all.length
  return {
    text: isCutShort ? pieces.join('') : text,
    pieces,
    finish: isCutShort ? 'length' : 'stop',
    visibleTokens: pieces.length,
  }
}

function write(ask: Ask, { model, faults }: ReplyContext, answer: string | undefined, next: () => Unit): string {
  if (ask.schema !== undefined) {
    const fields = fieldsOf(answer)
    const json = JSON.stringify(
      Object.keys(ask.schema).length === 0 ? { ...fields, ok: true } : jsonFromSchema(ask.schema, fields, next),
    )
    return faults.isBrokenJson ? json.slice(0, Math.ceil(json.length / 2)) : json
  }
  if (answer !== undefined && /\b(only|just)\b/i.test(ask.question)) return answer
  const { min, max } = model.outputTokens
  const tokens = faults.outputTokens ?? min + Math.floor(next() * (max - min + 1))
  const opening = answer === undefined ? '' : `The answer is ${answer}. `
  return opening + fillerText(Math.max(1, tokens - splitTokens(opening).length), faults.isMultibyte, next)
}

/** What the answer says about each field of a schema: its own fields where it is an object, else itself as `answer`. */
function fieldsOf(answer: string | undefined): JsonObject {
  if (answer === undefined) return {}
  const known = parseJson(Buffer.from(answer))
  return isObject(known) ? known : { answer }
}

/** The right answer or a wrong one, by the model's quality; undefined where no right answer is known. */
function answerTo(ask: Ask, { seed, model, answers }: ReplyContext, choice: number): string | undefined {
  const roll = draw(seed, model.name, 'quality', ask.question, choice)
  for (const [question, right] of answers) {
    if (!ask.question.includes(question)) continue
    return (model.rightAbout?.has(question) ?? roll < model.quality) ? right : 'unknown'
  }
  const solution = solve(ask.question)
  if (solution === undefined) return undefined
  const quality = model.qualityByKind[solution.kind] ?? model.quality
  return roll < quality ? solution.right : solution.wrong(draw(seed, model.name, 'mistake', ask.question, choice))
}

/** Calls the tool that is demanded, else those that the question names, else the first one; none after a result. */
function callTools(ask: Ask, known: JsonObject, next: () => Unit): readonly ToolCall[] {
  const { tools, toolChoice } = ask
  if (tools.length === 0 || toolChoice === 'none') return []
  if (toolChoice === 'auto' && ask.isAfterTool) return []
  const named = tools.filter(({ name }) =>
    typeof toolChoice === 'object' ? name === toolChoice.name : ask.question.includes(name),
  )
  return (named.length > 0 ? named : tools.slice(0, 1)).map(({ name, schema }) => ({
    name,
    argumentsJson: JSON.stringify(jsonFromSchema({ type: 'object', ...schema }, known, next)),
  }))
}
