import { createHmac } from 'node:crypto'

/** Puts text between two lines that only this request knows, so that nothing in the text can end it. */
export type Fence = {
  /** 32 hexadecimal digits, told to the judge before anything that is judged. */
  readonly code: string
  /** `text` between the lines of `part`; a code in it, which could only be there by leak, is taken out. */
  readonly around: (part: string, text: string) => string
}

/**
 * The fence of one request to a judge. Its code is an HMAC of the request's id with a key of the process: whoever wrote
 * an answer, and whoever knows the id, cannot guess it; the same id and key give it again.
 */
export function createFence(key: string, requestId: string): Fence {
  const code = createHmac('sha256', key).update(`judge/${requestId}`).digest('hex').slice(0, 32)
  return {
    code,
    around: (part, text) => {
      const inner = text.replaceAll(code, '')
      return `<<<${part} ${code}>>>\n${inner}\n<<<end ${part} ${code}>>>`
    },
  }
}
