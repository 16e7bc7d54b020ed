import { defineConfig } from 'vitest/config'

const SECOND = 1000

/**
 * Three projects, run one after the other. `unit` shares the cores between files; `integration` starts servers,
 * browsers and ClickHouse, measures time and kills processes, so its files run one at a time; `long` is for the
 * tests that need minutes and is not part of `npm test`.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default'],
    teardownTimeout: 20 * SECOND,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,contract,property,golden,simulation}/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 30 * SECOND,
          hookTimeout: 30 * SECOND,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{integration,browser}/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 120 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 1800 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
