import { writeFile } from 'node:fs/promises'
import { renderJsonSchema } from '../config/json-schema.ts'
import type { Terminal } from './terminal.ts'

const FILE = new URL('../../config/understudy.schema.json', import.meta.url)

/** Writes the JSON Schema of the config file, for completion in editors. */
export async function writeSchema({ print }: Terminal): Promise<number> {
  await writeFile(FILE, renderJsonSchema())
  print('wrote config/understudy.schema.json')
  return 0
}
