import { defineConfig } from 'oxlint'
import { houseLint } from './test/lint/house-lint.ts'

export default defineConfig({
  ...houseLint(import.meta.dirname),
  // The bad house is linted by its own test, which expects every rule to complain.
  ignorePatterns: ['test/fixtures/bad-house/**', 'dashboards/**/*.json', '.understudy/**'],
})
