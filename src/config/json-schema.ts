import { z } from 'zod'
import { leafFacts } from './leaf.ts'
import { addShorthand } from './shorthand.ts'
import { fileSchema } from './schema.ts'

/** The config file's JSON Schema, for completion and hints in editors; the text of config/understudy.schema.json. */
export function renderJsonSchema(): string {
  const schema = z.toJSONSchema(fileSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, leafFacts.get(zodSchema)?.json)
      // What a provider must say, its kind may say for it; a kind's name with nothing behind it is one.
      if (jsonSchema.properties?.['base_url'] !== undefined) {
        delete jsonSchema.required
        Object.assign(jsonSchema, { type: ['object', 'null'] })
      }
      addShorthand(zodSchema, jsonSchema)
    },
  })
  const { store, ...others } = schema.properties ?? {}
  const properties = {
    ...others,
    // The short form, which becomes the long one before the schema sees it.
    store: { anyOf: [{ enum: ['embedded', 'none'] }, store ?? {}] },
  }
  return `${JSON.stringify({ title: 'Understudy config', ...schema, properties }, undefined, 2)}\n`
}
