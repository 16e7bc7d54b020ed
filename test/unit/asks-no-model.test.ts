import { expect, it } from 'vitest'
import { asksNoModel } from '../../src/dialects/asks-no-model.ts'

it.each([
  ['GET', '/v1/responses/r', true],
  ['POST', '/v1/files', true],
  ['POST', '/upload/v1beta/files?key=k', true],
  ['POST', '/openai/v1/files', true],
  ['POST', '/openai/files', true],
  ['POST', '/files/f1', true],
  ['POST', '/v1/vector_stores/v/search', true],
  ['POST', '/v1/batches', false],
  ['POST', '/openai/v1/images/generations', false],
  ['POST', '/v1/filesystem', false],
  ['POST', '/a/b/files', false],
])('%s %s asks no model: %s', (method, path, expected) => {
  expect(asksNoModel(method, path)).toBe(expected)
})
