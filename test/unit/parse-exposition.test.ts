import { describe, expect, it } from 'vitest'
import { parseExposition } from '../fakes/parse-exposition.ts'

const head = '# HELP a_total A.\n# TYPE a_total counter\n'
const histogram = '# HELP h H.\n# TYPE h histogram\n'

describe('the strict parser that the metrics are tested with', () => {
  it.each([
    ['a series twice', `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`, 'series twice'],
    ['a family twice', `${head}${head}`, 'family twice'],
    ['a sample without HELP and TYPE', 'a_total 1\n', 'sample outside its family'],
    ['an unescaped quote', `${head}a_total{x=""1"} 1\n`, 'labels not separated'],
    ['a line break inside a value', `${head}a_total{x="a\nb"} 1\n`, 'bad label'],
    ['a stray backslash', `${head}a_total{x="\\d"} 1\n`, 'bad label'],
    ['a label twice', `${head}a_total{x="1",x="2"} 1\n`, 'label twice'],
    ['a value that is no number', `${head}a_total undefined\n`, 'bad value'],
    ['an unended last line', `${head}a_total 1`, 'not ended'],
    [
      'buckets that fall',
      `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
      'buckets of h',
    ],
    ['a count that is not the last bucket', `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`, 'buckets of h'],
    ['a histogram without +Inf', `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, 'bounds of h'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseExposition(text)).toThrow(message)
  })
})
