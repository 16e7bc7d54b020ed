import { fileURLToPath } from 'node:url'
import type { OxlintConfig } from 'oxlint'

/** The lint rules of a house whose `src` stands in `root` (absolute path): one for this repository, one for the bad house. */
export function houseLint(root: string): OxlintConfig {
  return {
    plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
    jsPlugins: [fileURLToPath(new URL('./house-rules.ts', import.meta.url))],
    settings: { house: { root } },
    options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
    categories: { correctness: 'error' },
    rules: {
      'house/layers': 'error',
      'house/library-homes': 'error',
      'house/world': 'error',
      'house/process': 'error',
      'house/no-barrels': 'error',
      'import/no-cycle': ['error', { ignoreTypes: false }],
      'import/no-self-import': 'error',
      'import/no-default-export': 'error',
      'typescript/no-explicit-any': 'error',
      'typescript/ban-ts-comment': 'error',
      'typescript/consistent-type-imports': 'error',
      'typescript/no-floating-promises': 'error',
      'typescript/no-misused-promises': 'error',
      'typescript/await-thenable': 'error',
      'typescript/only-throw-error': 'error',
      'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'typescript/no-non-null-assertion': 'error',
      'eslint/eqeqeq': ['error', 'always'],
      'eslint/no-var': 'error',
      'eslint/prefer-const': 'error',
      'eslint/no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'eslint/max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
      'unicorn/filename-case': ['error', { case: 'kebabCase' }],
      'vitest/expect-expect': [
        'error',
        {
          assertFunctionNames: [
            'expect',
            'expect.**',
            'expect[A-Z]*',
            'fc.assert',
            'until',
            'until[A-Z]*',
            'eventually',
          ],
        },
      ],
      'vitest/no-disabled-tests': 'error',
      'vitest/no-focused-tests': 'error',
    },
    overrides: [
      {
        files: ['src/**'],
        rules: {
          'typescript/no-unsafe-type-assertion': 'error',
          'eslint/no-console': 'error',
        },
      },
      // They speak to the person at the terminal, and there is nobody else they could ask.
      { files: ['src/main.ts', 'src/bin.mjs', 'src/cli/**'], rules: { 'eslint/no-console': 'off' } },
      // Loaded by tools that ask for a default export.
      { files: ['*.config.ts', 'test/lint/house-rules.ts'], rules: { 'import/no-default-export': 'off' } },
    ],
  }
}
