import type { Api } from '../domain/request.ts'
import type { PromptFields } from './prompt-fields.ts'

/** Tokens of an image whose size is not looked at. */
type ImageRule = { readonly image: number; readonly lowDetail: number }

/**
 * OpenAI: 85 at low detail, else 85 and 170 per tile, four for a square image (platform.openai.com/docs/guides/images).
 */
const OPENAI: ImageRule = { image: 765, lowDetail: 85 }
/** Anthropic: width × height / 750, scaled down to about 1,600 at most (platform.claude.com/docs, "Vision"). */
const ANTHROPIC: ImageRule = { image: 1_600, lowDetail: 1_600 }
/** Gemini: 258 per tile of 768 × 768, four for a square image of 1024 (ai.google.dev/gemini-api/docs/tokens). */
const GEMINI: ImageRule = { image: 1_032, lowDetail: 258 }

/** Around each message (OpenAI cookbook, "How to count tokens"); of the same order elsewhere. */
const TOKENS_PER_MESSAGE = 4
/** JSON costs more than prose: brackets and quotes are tokens. */
const BYTES_PER_JSON_TOKEN = 3.5
/** What Claude is told about tools once there are any (platform.claude.com/docs, "Tool use", pricing). */
const ANTHROPIC_TOOL_PROMPT = 346

/**
 * Input tokens of what is no text: images, messages' frames, tools and their arguments. Audio, documents and other
 * files are not counted: the size of a file says little about its tokens.
 */
export function extraTokens(api: Api, { conversation, toolBytes, tools }: PromptFields): number {
  const rule = imageRule(api)
  const images = conversation.images * rule.image + conversation.lowDetailImages * rule.lowDetail
  const json = (conversation.jsonBytes + toolBytes) / BYTES_PER_JSON_TOKEN
  const toolPrompt = api === 'messages' && tools.length > 0 ? ANTHROPIC_TOOL_PROMPT : 0
  return images + json + toolPrompt + conversation.messages * TOKENS_PER_MESSAGE
}

function imageRule(api: Api): ImageRule {
  if (api === 'messages') return ANTHROPIC
  return api === 'generate_content' || api === 'embed_content' ? GEMINI : OPENAI
}
