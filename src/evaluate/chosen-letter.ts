/** The patterns that MMLU-Pro extracts an answer with, tried in this order (TIGER-AI-Lab/MMLU-Pro, `extract_answer`). */
const CHOICES: readonly RegExp[] = [/answer is:?\s*\**\(?([A-J])\b/gi, /answer:\s*\**\(?([A-J])\b/gi]

/** A final answer stands near the end. */
const SEARCHED_CHARS = 20_000

/**
 * The letter, A to J, that an answer chooses; undefined where none can be made out. A bare letter, alone or before `)`
 * `.` or `:`, then what is said to be the answer, and at last the last capital letter that stands alone.
 */
export function chosenLetter(text: string): string | undefined {
  const bare = /^[\s(*"']*([A-Ja-j])[\s)*"'.:]*$/.exec(text.slice(0, 40))?.[1]
  if (bare !== undefined && text.trim().length <= 8) return bare.toUpperCase()
  const searched = text.slice(-SEARCHED_CHARS)
  for (const pattern of CHOICES) {
    const said = [...searched.matchAll(pattern)].at(-1)?.[1]
    if (said !== undefined) return said.toUpperCase()
  }
  const opening = /^\s*\(?([A-J])[).:]/.exec(text.slice(0, 40))?.[1]
  return opening ?? [...searched.matchAll(/\b([B-HJ]|A(?![ ]\w)|I(?![ '’]\w))\b/g)].at(-1)?.[1]
}
