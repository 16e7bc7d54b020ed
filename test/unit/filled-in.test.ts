import { expect, it } from 'vitest'
import { filledIn } from '../../src/store/analyses/filled-in.ts'

it('parameters become literals of their types, texts that cannot end early, and tables go by their names alone', () => {
  const sql =
    'SELECT {name:String}, {at:Int64}, {share:Float64} FROM {database:Identifier}.traces WHERE {since:Map(String, Int64)}[x] > 0 AND y IN {all:Array(String)}'
  const name = `it's \\' OR {at:Int64} --`
  expect(filledIn(sql, { name, at: -5, share: 0.25, since: { "a'b": 1 }, all: ['c', 'd'] })).toBe(
    String.raw`SELECT 'it\'s \\\' OR {at:Int64} --', CAST(-5, 'Int64'), CAST(0.25, 'Float64') FROM traces WHERE CAST(map('a\'b', 1), 'Map(String, Int64)')[x] > 0 AND y IN CAST(['c', 'd'], 'Array(String)')`,
  )
})

it.each([{}, { at: null }, { at: Number.NaN }, { at: [null] }])(
  'what is missing or no literal is told: %j',
  (params) => {
    expect(() => filledIn('SELECT {at:Int64}', params)).toThrow('the analysis wants at as Int64, found')
  },
)
