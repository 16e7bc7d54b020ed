import { readFileSync } from 'node:fs'

/** One instruction, its continued lines joined: `COPY`, `--from=dependencies /app/node_modules node_modules`. */
export type Instruction = { readonly name: string; readonly text: string }

/** The instructions of each stage, from its FROM on; before the first FROM stand the build's arguments. */
export type Dockerfile = {
  readonly args: ReadonlyMap<string, string>
  readonly stages: readonly (readonly Instruction[])[]
}

/** Reads a Dockerfile that needs no parser directive. Throws on a line that is no instruction. */
export function readDockerfile(file: string): Dockerfile {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const instructions = lines.map((line) => {
    const [, name, text] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === undefined || text === undefined) throw new Error(`no instruction: ${line}`)
    return { name, text: text.trim().replaceAll(/\s+/g, ' ') }
  })
  const starts = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []))
  const [first = instructions.length] = starts
  return {
    args: new Map(instructions.slice(0, first).map(({ text }) => pair(text))),
    stages: starts.map((start, nth) => instructions.slice(start, starts[nth + 1])),
  }
}

/** Texts of all instructions of that name in a stage. */
export function textsOf(stage: readonly Instruction[], name: string): readonly string[] {
  return stage.filter((instruction) => instruction.name === name).map(({ text }) => text)
}

/** What a COPY takes from the build context, and where it goes; undefined for one that copies from another stage. */
export function copied(text: string): { readonly sources: readonly string[]; readonly target: string } | undefined {
  if (text.includes('--from=')) return undefined
  const paths = text.split(' ').filter((word) => !word.startsWith('--'))
  return { sources: paths.slice(0, -1), target: paths.at(-1) ?? '.' }
}

/** The words of an instruction in exec form. Throws when it is in shell form, which would start a shell first. */
export function execForm(text: string): readonly string[] {
  const words: unknown = JSON.parse(text.slice(text.indexOf('[')))
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${text}`)
  return words.map(String)
}

function pair(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}
