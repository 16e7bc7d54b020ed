import { answerAsk, cannedText, isPlain } from './answer-request.ts'
import type { Ask, Facts } from './ask.ts'
import { respondBurst, respondError, respondStream, respondWhole, type Call } from './call.ts'
import type { Timing } from './deliver.ts'
import { draw, idText } from './draw.ts'
import type { TextEndpoint } from './endpoints.ts'
import { NO_FAULTS } from './faults.ts'
import type { JsonObject } from './json.ts'
import type { SimulatedModel } from './model.ts'
import { bill } from './simulation.ts'

/** Answers a chat, completion, Responses, messages or generateContent call. */
export function answerText(call: Call, endpoint: TextEndpoint, body: JsonObject, model: SimulatedModel): void {
  const { simulation, faults } = call
  const ask = endpoint.read(body, model, simulation.seed)
  if ('status' in ask) return respondError(call, ask)
  const facts = factsOf(call, endpoint, model)
  const context = { seed: simulation.seed, model, faults, answers: simulation.answers }

  if (model.isCanned && faults === NO_FAULTS && isPlain(ask)) {
    const text = cannedText(simulation.canned, {
      path: call.path,
      endpoint,
      body,
      facts,
      context,
      cache: simulation.cache,
    })
    return respondCanned(call, ask, text, model, endpoint.errorFrame(facts, body))
  }
  const answered = answerAsk(ask, context, simulation.cache)
  bill(simulation.counters.spent, model.snapshot, answered.spent)
  const timing = timingOf(call, model)
  if (ask.isStream) {
    return respondStream(
      call,
      endpoint.frames(answered, facts, body),
      timing,
      endpoint.errorFrame(facts, body),
      model.isUnbuffered,
    )
  }
  const tokens = answered.spent.visibleOutput + answered.spent.reasoning
  const waitMs = Math.max(timing.firstByteMs, timing.firstTokenMs + tokens * timing.msPerToken)
  respondWhole(call, 200, endpoint.whole(answered, facts, body), waitMs)
}

function respondCanned(call: Call, ask: Ask, text: string, model: SimulatedModel, errorFrame: string): void {
  if (!ask.isStream) return respondWhole(call, 200, text)
  if (!model.isUnbuffered) return respondBurst(call, text)
  const frames = text.split(/(?<=\n\n|\r\n\r\n)/).map((frame) => ({ text: frame, isToken: true }))
  respondStream(call, frames, timingOf(call, model), errorFrame, true)
}

function factsOf(call: Call, endpoint: TextEndpoint, model: SimulatedModel): Facts {
  const { simulation, ordinal, requestId } = call
  // Ids of one answer are drawn apart from each other and from those of the next.
  let drawn = ordinal * IDS_PER_ANSWER
  const newId = (prefix: string, length: number): string => prefix + idText(simulation.seed, (drawn += 1), length)
  return {
    id: newId(endpoint.idPrefix, endpoint.idLength),
    createdSeconds: Math.floor(simulation.now() / 1000),
    model: model.snapshot,
    isReasoningModel: model.reasoningTokens > 0,
    requestId,
    newId,
    seed: simulation.seed,
    usage: simulation.manners?.usage,
  }
}

const IDS_PER_ANSWER = 64

function timingOf({ simulation, ordinal, faults }: Call, model: SimulatedModel): Timing {
  const stretch = model.jitter === 0 ? 1 : 1 + model.jitter * (2 * draw(simulation.seed, 'jitter', ordinal) - 1)
  const tokensPerSecond = faults.tokensPerSecond ?? model.tokensPerSecond
  const firstByteMs = faults.firstByteMs ?? model.firstByteMs * stretch
  return {
    firstByteMs,
    firstTokenMs: Math.max(firstByteMs, faults.firstTokenMs ?? model.firstTokenMs * stretch),
    msPerToken: tokensPerSecond === undefined ? 0 : (1000 / tokensPerSecond) * stretch,
  }
}
