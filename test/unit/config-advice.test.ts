import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { configAdvice } from '../../src/cli/config-advice.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-advice-'))
  mkdirSync(join(root, 'project/config'), { recursive: true })
  mkdirSync(join(root, 'project/src/deep'), { recursive: true })
  mkdirSync(join(root, 'elsewhere'))
  writeFileSync(join(root, 'project/config/understudy.yaml'), '')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const advice = (cwd: string, file = 'config/understudy.yaml', variable?: string): string =>
  configAdvice({ cwd: join(root, cwd), file, variable }).join('\n')

it('nothing is said of a config file that is there', () => {
  expect(advice('project')).toBe('')
  expect(advice('elsewhere', '../project/config/understudy.yaml')).toBe('')
})

it('who named the file is told, and where it was looked for', () => {
  const looked = (file: string): string => `there is no config file at ${join(root, 'elsewhere', file)}`
  expect(advice('elsewhere')).toContain(`${looked('config/understudy.yaml')}, where a command looks`)
  expect(advice('elsewhere', 'mine.yaml')).toContain(`${looked('mine.yaml')}, as -c says`)
  expect(advice('elsewhere', 'mine.yaml', 'mine.yaml')).toContain(`${looked('mine.yaml')}, as UNDERSTUDY_CONFIG says`)
})

it('from below a project its config is pointed out; from elsewhere, where to begin', () => {
  expect(advice('project/src/deep')).toContain('There is one here: -c ../../config/understudy.yaml')
  expect(advice('elsewhere')).toMatch(/Name yours with -c <file>, or begin with a copy of .*understudy\.example\.yaml/)
})
