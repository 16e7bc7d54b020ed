import type { Unit } from '../domain/units.ts'
import { pickFrom } from './draw.ts'

/** Kinds of question whose right answer is known without a model. */
export type QuestionKind = 'arithmetic' | 'choice' | 'extraction'

export type Solution = {
  readonly kind: QuestionKind
  readonly right: string
  /** One of the ways to get it wrong. */
  readonly wrong: (roll: Unit) => string
}

export type Question = { readonly prompt: string; readonly right: string }

/** The solution of the first known question in `text`; undefined where there is none. */
export function solve(text: string): Solution | undefined {
  return solveChoice(text) ?? solveExtraction(text) ?? solveArithmetic(text)
}

export function arithmeticQuestion(next: () => Unit): Question {
  const [left, right] = [2 + Math.floor(next() * 96), 2 + Math.floor(next() * 96)]
  const sign = pickFrom(['+', '-', '*'], next())
  return { prompt: `What is ${left} ${sign} ${right}?`, right: String(compute(left, sign, right)) }
}

export function choiceQuestion(next: () => Unit): Question {
  const fact = pickFrom(FACTS, next())
  const shift = Math.floor(next() * 4)
  const options = [fact.right, ...fact.wrong]
  const lines = LETTERS.map((letter, index) => `${letter}) ${options[(index + shift) % 4] ?? ''}`)
  return {
    prompt: `${fact.question}\n${lines.join('\n')}\nAnswer with the letter only.`,
    right: LETTERS[(4 - shift) % 4] ?? 'A',
  }
}

export function extractionQuestion(next: () => Unit): Question {
  const order = {
    order_id: String(1000 + Math.floor(next() * 9000)),
    customer: pickFrom(CUSTOMERS, next()),
    city: pickFrom(CITIES, next()),
    total: Math.floor(next() * 50_000) / 100,
    currency: pickFrom(['EUR', 'USD', 'GBP'], next()),
  }
  const prompt = `Extract the order as JSON. Order ${order.order_id} from ${order.customer} in ${order.city}, total ${order.currency} ${order.total.toFixed(2)}.`
  return { prompt, right: JSON.stringify(order) }
}

/** JSON schema of an extraction's answer. */
export const ORDER_SCHEMA = {
  type: 'object',
  properties: {
    order_id: { type: 'string' },
    customer: { type: 'string' },
    city: { type: 'string' },
    total: { type: 'number' },
    currency: { type: 'string', enum: ['EUR', 'USD', 'GBP'] },
  },
  required: ['order_id', 'customer', 'city', 'total', 'currency'],
  additionalProperties: false,
} as const

function solveArithmetic(text: string): Solution | undefined {
  const found = /(\d{1,9})\s*([-+*×])\s*(\d{1,9})/.exec(text)
  if (found === null) return undefined
  const right = compute(Number(found[1]), found[2] ?? '+', Number(found[3]))
  return { kind: 'arithmetic', right: String(right), wrong: (roll) => String(right + 1 + Math.floor(roll * 9)) }
}

function solveChoice(text: string): Solution | undefined {
  const fact = FACTS.find(({ question }) => text.includes(question))
  if (fact === undefined) return undefined
  const right = [...text.matchAll(/^([A-D])\) (.*)$/gm)].find((option) => option[2] === fact.right)?.[1]
  if (right === undefined) return { kind: 'choice', right: fact.right, wrong: (roll) => pickFrom(fact.wrong, roll) }
  const others = LETTERS.filter((letter) => letter !== right)
  return { kind: 'choice', right, wrong: (roll) => pickFrom(others, roll) }
}

function solveExtraction(text: string): Solution | undefined {
  const found = /Order (\d+) from (.+?) in (.+?), total ([A-Z]{3}) (\d+\.\d\d)\./.exec(text)
  if (found === null) return undefined
  const [, order_id = '', customer = '', city = '', currency = '', total = '0'] = found
  const order = { order_id, customer, city, total: Number(total), currency }
  return {
    kind: 'extraction',
    right: JSON.stringify(order),
    wrong: (roll) =>
      JSON.stringify(roll < 0.5 ? { ...order, city: customer, customer: city } : { ...order, total: order.total + 1 }),
  }
}

function compute(left: number, sign: string, right: number): number {
  if (sign === '+') return left + right
  return sign === '-' ? left - right : left * right
}

const LETTERS = ['A', 'B', 'C', 'D'] as const
const CUSTOMERS = ['Ada Lovelace', 'Grace Hopper', 'Zoë Müller', 'José Ortega', 'Wang Wei', 'Noor Haddad']
const CITIES = ['Berlin', 'São Paulo', 'Kraków', 'Nairobi', 'Osaka', 'Montréal']

type Fact = { readonly question: string; readonly right: string; readonly wrong: readonly [string, string, string] }

const FACTS: readonly Fact[] = [
  {
    question: 'Which planet is the largest of the solar system?',
    right: 'Jupiter',
    wrong: ['Saturn', 'Earth', 'Neptune'],
  },
  { question: 'What is the capital of Australia?', right: 'Canberra', wrong: ['Sydney', 'Melbourne', 'Perth'] },
  { question: 'Which element has the symbol Fe?', right: 'Iron', wrong: ['Lead', 'Fluorine', 'Tin'] },
  { question: 'How many bits are in a byte?', right: '8', wrong: ['4', '16', '10'] },
  { question: 'Which HTTP status means "Too Many Requests"?', right: '429', wrong: ['409', '503', '418'] },
  { question: 'Which data structure is first in, first out?', right: 'Queue', wrong: ['Stack', 'Heap', 'Tree'] },
  { question: 'In which year did the Berlin Wall fall?', right: '1989', wrong: ['1991', '1985', '1979'] },
  {
    question: 'What does SQL stand for?',
    right: 'Structured Query Language',
    wrong: ['Simple Queue Lookup', 'Sorted Query List', 'System Question Logic'],
  },
]
