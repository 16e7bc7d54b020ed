import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const SECOND = 1000

/** Once for all files: the tables that a proxy or an engine would make at its first start, to be copied. */
const WITH_STORES = { globalSetup: 'test/fakes/prepare-store-template.ts' }

/** Files that start whole proxies and engines and mostly wait for them: none of them minds a busy machine. */
const WHOLE = [
  'app-{cli*,demo,first-use,metrics,reload,replay,route,run-file,scoring,targets}',
  'audit-*',
  'bin',
  'config-*',
  'containers-*',
  'content',
  'dashboards-*',
  'durability-{disk,instances,kills,outage,secrets,shutdown,store}',
  'feedback{,-analyses}',
  'hostile-{admin,answers,floods,generated}',
  'judge-calibrate',
  'live-weights',
  'proxy-readings',
  'replay-traces',
  'rollout-*',
  'routing-{scenarios,stored}',
  'serve-unread',
  'shadow-{kills,process,report}',
  'soak-heap',
  'spans-process',
  'store-*',
  'worker*',
].map((name) => `test/integration/${name}.test.ts`)

/** Begun first, or one of them would run on alone when all the others have ended. */
const LONGEST = [
  'soak-heap',
  'app-cli-stored',
  'app-cli',
  'live-weights',
  'durability-store',
  'workers',
  'hostile-generated',
  'store-migrate',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.includes(basename(moduleId, '.test.ts'))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/** In `npm test` what is likeliest to suffer from being held back; all of it with HELD=all (`npm run test:long`). */
const HELD = process.env.HELD === 'all' ? '*' : '{answers,compression,cuts,retries,stream-ends,usage}'

/**
 * Five projects, run one after the other. `unit` shares the cores between files, and so does `whole`, whose files wait
 * more than they work; `integration` starts servers, browsers and ClickHouse too, but measures time and resident memory,
 * so its files run one at a time; `held` is what of it compares the proxy with the direct way, once
 * more with a fallback for every request (test/fakes/stand-in.ts); `long` is for the tests that need minutes and is not
 * part of `npm test`.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default'],
    sequence: { sequencer: LongestFirst },
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
          ...WITH_STORES,
          name: 'whole',
          include: WHOLE,
          pool: 'forks',
          maxWorkers: 4,
          testTimeout: 120 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...WITH_STORES,
          name: 'integration',
          include: ['test/{integration,browser}/**/*.test.ts'],
          exclude: WHOLE,
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 120 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'held',
          include: [`test/integration/transparency-${HELD}.test.ts`],
          // Two watch a client see a head, or an event without content, that is held back where there is a fallback; the
          // third is about who may spend whose key, which is another matter where a fallback has the server's.
          exclude: ['test/integration/transparency-{aborts,streams,browsers}.test.ts'],
          env: { STAND_IN: 'slow_answer,slow_first_token' },
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 120 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...WITH_STORES,
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 1800 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
})
