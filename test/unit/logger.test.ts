import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/domain/ports.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import type { LogLevel } from '../../src/telemetry/logger.ts'

function aLog(level: () => LogLevel = () => 'info'): { log: Log; lines: string[] } {
  const lines: string[] = []
  const now = () => Date.UTC(2026, 10, 20, 12)
  return { lines, log: createLogger({ level, now, write: (line) => lines.push(line) }) }
}

function logged(fields: Readonly<Record<string, unknown>>): unknown {
  const { log, lines } = aLog()
  log.info('tested', fields)
  return JSON.parse(lines[0] ?? '')
}

describe('the log', () => {
  it('writes one JSON line with time, level, event and fields', () => {
    const { log, lines } = aLog()
    log.warn('config_rejected', { file: 'understudy.yaml', faults: 2, isFirst: true, none: null, rows: 12n })
    expect(lines).toEqual([
      '{"ts":"2026-11-20T12:00:00.000Z","level":"warn","event":"config_rejected",' +
        '"file":"understudy.yaml","faults":2,"isFirst":true,"none":null,"rows":"12"}\n',
    ])
  })

  it('changes its level from one line to the next', () => {
    let level: LogLevel = 'error'
    const { log, lines } = aLog(() => level)
    log.warn('unheard')
    log.error('heard')
    level = 'debug'
    log.info('heard too')
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['heard', 'heard too'])
  })

  it('lets no field replace its time, level or event', () => {
    const head = { ts: '2026-11-20T12:00:00.000Z', level: 'info', event: 'tested' }
    expect(logged({ ts: 'never', level: 'none', event: 'faked', other: 1 })).toEqual({ ...head, other: 1 })
  })

  it.each([
    ['apiKey', 'abc'],
    ['api_key', 'abc'],
    ['x-api-key', 'abc'],
    ['Authorization', 'abc'],
    ['proxy_authorization', 'abc'],
    ['set-cookie', ['abc']],
    ['password', 'abc'],
    ['adminToken', 'abc'],
    ['read_token', { value: 'abc' }],
    ['clientSecret', 12345],
  ])('masks the field %s by its name, at any depth', (name, value) => {
    expect(JSON.stringify(logged({ [name]: value, deep: { [name]: value } }))).not.toMatch(/abc|12345/)
  })

  it('keeps fields that only sound like a secret', () => {
    expect(logged({ input_tokens: 12, isToken: true, keySubject: 'a1b2' })).toMatchObject({
      input_tokens: 12,
      isToken: true,
      keySubject: 'a1b2',
    })
  })

  it.each([
    'bad key sk-proj-abcDEF_0123456789',
    'bad key sk-ant-api03-abcDEF0123456789',
    'bad key AIzaSyabcDEF0123456789abcDEF0123456789',
    'header Bearer abcDEF0123456789',
    'header Basic dXNlcjphYmNERUY=',
    'at http://default:abcDEF0@127.0.0.1:8123/',
  ])('masks what looks like a key wherever it stands: %s', (text) => {
    const line = JSON.stringify(logged({ text, list: [text], error: new Error(text, { cause: new Error(text) }) }))
    expect(line).not.toMatch(/abcDEF|dXNlcjph/)
    expect(line).toContain('[redacted]')
  })

  it('masks a key that stands where a long text is cut', () => {
    expect(JSON.stringify(logged({ text: `${'x'.repeat(1_990)} sk-proj-abcDEF0123456789` }))).not.toContain('abc')
  })

  it('says what an error and its causes said, without their stacks', () => {
    const error = new Error('insert failed', { cause: new TypeError('socket closed') })
    expect(logged({ error })).toMatchObject({ error: 'Error: insert failed ← TypeError: socket closed' })
  })

  it('says where a bug came up, in words that name no directory of the machine and no key', () => {
    const bug = new TypeError('no such field')
    bug.stack = [
      'TypeError: no such field',
      '    at /home/ada/secret-plans',
      '    at rowOf (file:///home/ada/understudy/src/store/trace-row.ts:12:5)',
      '    at async file:///home/ada/understudy/node_modules/undici/lib/client.js:1:2',
      '    at sk-proj-abcDEF0123456789 (/home/ada/understudy/src/x.ts:3:4)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      ...Array.from({ length: 100 }, () => `    at ${'deep'.repeat(1_000)} (/home/ada/understudy/src/x.ts:1:1)`),
    ].join('\n')
    const line = logged({ bug })
    expect(line).toMatchObject({ bug: 'TypeError: no such field' })
    expect(JSON.stringify(line)).not.toMatch(/ada|abcDEF/)
    expect(JSON.stringify(line).length).toBeLessThan(3_000)
    expect(line).toHaveProperty('bug_at.0', 'rowOf (src/store/trace-row.ts:12:5)')
    expect(line).toHaveProperty('bug_at.1', 'async node_modules/undici/lib/client.js:1:2')
    expect(line).toHaveProperty(
      'bug_at.3',
      'process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
    )
    expect(logged({ error: bug })).not.toHaveProperty('bug_at')
  })

  it('writes one parsable line whatever the fields hold', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true, withMap: true })),
        (fields) => {
          const { log, lines } = aLog()
          log.error('anything', fields)
          expect(lines).toHaveLength(1)
          expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1)
          expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', event: 'anything' })
        },
      ),
    )
  })

  it('survives a field that contains itself, and bytes', () => {
    const loop: Record<string, unknown> = { name: 'loop' }
    loop['self'] = loop
    const line = logged({ loop, bytes: Buffer.from('secret bytes') })
    expect(line).toMatchObject({ loop: { name: 'loop' } })
    expect(JSON.stringify(line)).not.toContain('bytes')
  })
})
