import { answered } from './answered.ts'
import { choiceMatch } from './choice-match.ts'
import { citedLinks } from './cited-links.ts'
import type { Evaluator } from './evaluator.ts'
import { exactMatch } from './exact-match.ts'
import { jsonSchema } from './json-schema.ts'
import { lengthRatio } from './length-ratio.ts'
import { noRefusal } from './no-refusal.ts'
import { noRepetition } from './no-repetition.ts'
import { notTruncated } from './not-truncated.ts'
import { numericMatch } from './numeric-match.ts'
import { sameLanguage } from './same-language.ts'
import { createCheckSchema } from './schema-check.ts'
import { toolArguments } from './tool-arguments.ts'
import { toolMatch } from './tool-match.ts'
import { validJson } from './valid-json.ts'

/** Every evaluator that needs no rule of an operator's, in the order in which reports list them. */
export function createEvaluators(): readonly Evaluator[] {
  const checkSchema = createCheckSchema()
  return [
    answered,
    notTruncated,
    noRefusal,
    validJson,
    jsonSchema(checkSchema),
    toolArguments(checkSchema),
    toolMatch,
    exactMatch,
    numericMatch,
    choiceMatch,
    lengthRatio,
    sameLanguage,
    noRepetition,
    citedLinks,
  ]
}
