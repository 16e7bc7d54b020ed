import type { Unit } from '../domain/units.ts'
import { pickFrom } from './draw.ts'

/** Sentences of `words` words in all; the same draws give the same text. */
export function fillerText(words: number, isMultibyte: boolean, next: () => Unit): string {
  const list = isMultibyte ? MULTIBYTE_WORDS : WORDS
  const sentences: string[] = []
  let sentence: string[] = []
  for (let index = 0; index < words; index += 1) {
    sentence.push(pickFrom(list, next()))
    if (sentence.length === 9 || index === words - 1) {
      const [first = '', ...rest] = sentence
      sentences.push([first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(' ') + '.')
      sentence = []
    }
  }
  return sentences.join(' ')
}

/** Every word is one token of `splitTokens`. */
const WORDS = (
  'the order was sent to your team and should arrive soon please check the status page for more when it does ' +
  'not then open a new ticket with us we can help you fix most of these cases in one or two steps each plan has ' +
  'its own limit which you may raise at any time'
).split(' ')

/** Two, three and four bytes in UTF-8, a joined emoji and a combining mark among them. */
const MULTIBYTE_WORDS = [
  'über',
  'größe',
  'naïve',
  '東京',
  '你好',
  'Привет',
  '한국',
  '🚀',
  '👩‍🚀',
  'é́',
  '€5',
  '𝒳₂',
  'مرحبا',
  'ok',
]
