import { parseArgs } from 'node:util'
import { BARE, CONTENDERS, DIRECT, MIRRORED, PLANNED, PRODUCT, onAllCores, type Contender } from './contenders.ts'
import type { Lengths } from './measure.ts'

/** What a run of the bench does. Each ends by itself, after `deadlineMs` at the latest. */
export type Options = {
  readonly contenders: readonly Contender[]
  readonly json: string | undefined
  readonly deadlineMs: number
  readonly what:
    | { readonly kind: 'compare'; readonly rounds: number; readonly lengths: Lengths }
    | { readonly kind: 'rate'; readonly rounds: number; readonly seconds: number; readonly ratePerSecond: number }
    /** `isSoak`: memory over a long time is of interest, not the highest rate. */
    | { readonly kind: 'sustain'; readonly seconds: number; readonly ratePerSecond: number; readonly isSoak: boolean }
    | { readonly kind: 'switched'; readonly rounds: number; readonly seconds: number }
    | { readonly kind: 'profile'; readonly load: 'plain' | 'stream'; readonly seconds: number }
}

const FULL: Lengths = { single: 3, crowd: 5, firstByte: 3, streams: 4 }
const QUICK: Lengths = { single: 1.5, crowd: 2.5, firstByte: 1.5, streams: 2 }
const KNOWN = `Known: ${CONTENDERS.map(({ name }) => name).join(', ')}.`
/** A contender's start, its warm-up and, where there is one, its installation. */
const START_SECONDS = 90

export const HELP = `npm run bench -- [options]

  Compares (closed loop, ${DIRECT} always besides):
  --quick          two short rounds, about a minute
  --rounds <n>     rounds (each measures every contender once; the table holds medians)
  --seconds <n>    seconds of each part of a round
  --only <names>   comma-separated part of: ${CONTENDERS.map(({ name }) => name).join(', ')}
                   (those with workers, which are not held to one core, only when they are named)
  --workers <n>    ${PRODUCT} with so many workers besides

  Does something else:
  --rate <n>       open loop: n requests a second, latency from when each was due; with the options above
  --sustain        ${PRODUCT} (or --workers) under --rate, 10000, for --seconds, 60: are all rows there in 30 s?
  --soak           the same at 500 for 600 s, and how memory goes
  --shadow         ${PRODUCT} with a shadow on a tenth of its calls, turned on and off in turns: --rounds, 16, of --seconds, 3
  --profile <kind> --seconds, 10, of \`plain\` or \`stream\` load on ${PRODUCT} (or --only) under the V8 profiler

  --json <file>    writes the figures, every sample and the machine as JSON
`

/** The options of a command line, 'help', or an error that says what was expected. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      sustain: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      shadow: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      workers: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  if (values.help) return 'help'
  const { json, quick, soak: isSoak } = values
  const workers = wholeOf('workers', values.workers, 1, 64)
  const seconds = numberOf('seconds', values.seconds, 0.5, 3600)
  const rate = numberOf('rate', values.rate, 1, 1_000_000)
  const rounds = wholeOf('rounds', values.rounds, 1, 100) ?? (quick ? 2 : 5)
  const named = values.only?.split(',').map((name) => name.trim())
  const withWorkers = workers === undefined ? [] : [onAllCores(workers)]

  if (values.sustain || isSoak) {
    const [product = find(PRODUCT)] = withWorkers
    const what = { seconds: seconds ?? (isSoak ? 600 : 60), ratePerSecond: rate ?? (isSoak ? 500 : 10_000), isSoak }
    const contenders = [find(DIRECT), find(BARE), product]
    return { contenders, json, deadlineMs: deadline(3, what.seconds + 60), what: { kind: 'sustain', ...what } }
  }
  if (values.shadow) {
    const [perRound, contenders] = [seconds ?? 3, [find(PLANNED), find(MIRRORED)]]
    const what = {
      kind: 'switched',
      rounds: wholeOf('rounds', values.rounds, 1, 100) ?? 16,
      seconds: perRound,
    } as const
    return { contenders, json, deadlineMs: deadline(contenders.length, what.rounds * 2 * perRound), what }
  }
  if (values.profile !== undefined) {
    if (values.profile !== 'plain' && values.profile !== 'stream')
      throw new Error('--profile: expected plain or stream')
    const what = { kind: 'profile', load: values.profile, seconds: seconds ?? 10 } as const
    return { contenders: [find(named?.[0] ?? PRODUCT)], json, deadlineMs: deadline(1, what.seconds), what }
  }
  for (const name of named ?? []) find(name)
  const contenders = [
    ...CONTENDERS.filter(
      ({ name, usesAllCores, isOnDemand }) =>
        name === DIRECT || (named?.includes(name) ?? (usesAllCores !== true && isOnDemand !== true)),
    ),
    ...withWorkers.filter(({ name }) => named?.includes(name) !== true),
  ]
  if (rate !== undefined) {
    const what = { kind: 'rate', rounds: Math.min(rounds, 3), seconds: seconds ?? 10, ratePerSecond: rate } as const
    return { contenders, json, deadlineMs: deadline(contenders.length, what.rounds * what.seconds), what }
  }
  const usual = quick ? QUICK : FULL
  const lengths =
    seconds === undefined ? usual : { single: seconds, crowd: seconds, firstByte: seconds, streams: seconds }
  const roundSeconds = lengths.single + lengths.crowd + lengths.firstByte + lengths.streams
  const what = { kind: 'compare', rounds, lengths } as const
  return { contenders, json, deadlineMs: deadline(contenders.length, rounds * roundSeconds), what }
}

/** Waits for quiet between the parts, answers under way at their ends and slow machines are allowed for twice over. */
function deadline(contenders: number, secondsEach: number): number {
  return contenders * (START_SECONDS + 3 * secondsEach) * 1000 + 180_000
}

function find(name: string): Contender {
  const found = CONTENDERS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`nobody is called ${name}. ${KNOWN}`)
  return found
}

function numberOf(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new Error(`--${name}: expected a number from ${min} to ${max}, found ${JSON.stringify(text)}`)
  }
  return value
}

function wholeOf(name: string, text: string | undefined, min: number, max: number): number | undefined {
  const value = numberOf(name, text, min, max)
  if (value === undefined || Number.isInteger(value)) return value
  throw new Error(`--${name}: expected a whole number, found ${JSON.stringify(text)}`)
}
