import { type Evaluator, type EvaluationInput, NOT_APPLICABLE, scored, type Verdict } from './evaluator.ts'
import { parseAnswer } from './parse-answer.ts'
import type { CheckSchema } from './schema-check.ts'
import { asksForJson } from './valid-json.ts'

/** Whether the answer follows the JSON Schema that the request asks for. */
export function jsonSchema(checkSchema: CheckSchema): Evaluator {
  return {
    name: 'json_schema',
    version: 1,
    applies: (input) => schemaOf(input) !== undefined,
    score: (input): Verdict => {
      const schema = schemaOf(input)
      if (schema === undefined) return NOT_APPLICABLE
      const parsed = parseAnswer(input.answer.text)
      if (parsed.kind === 'not_json') return scored(0, 'not valid JSON')
      const verdict = checkSchema(schema, parsed.value)
      switch (verdict.kind) {
        case 'valid':
          return scored(1, 'follows the schema')
        case 'invalid':
          return scored(0, `breaks ${verdict.where.slice(0, 120)}`)
        case 'failed':
          return verdict
      }
    },
  }
}

function schemaOf(input: EvaluationInput) {
  const format = asksForJson(input) ? input.prompt?.format : undefined
  return format?.kind === 'schema' ? format.schema : undefined
}
