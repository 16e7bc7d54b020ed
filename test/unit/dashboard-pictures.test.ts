import { describe, expect, test } from 'vitest'
import { PALETTE } from '../../dashboards/palette.ts'
import { boardFile, type PanelFile } from '../fakes/dashboard-file.ts'
import { EVERYTHING } from '../fakes/grafana-query.ts'
import { boardPage } from '../pictures/board-page.ts'
import { findChromium } from '../pictures/chromium.ts'
import { chartData } from '../pictures/chart-data.ts'
import { formatValue } from '../pictures/format-value.ts'
import { shownFrame } from '../pictures/shown-frame.ts'

const panelOf = (board: string, title: string): PanelFile => {
  const found = boardFile(board).panels.find((panel) => panel.title === title)
  if (found === undefined) throw new Error(`no panel ${title}`)
  return found
}

describe('a value is written as Grafana writes it', () => {
  test.each([
    [20_000, 'short', '20 K'],
    [1234, 'short', '1.23 K'],
    [68, 'short', '68'],
    [0.00612, 'currencyUSD', '$0.00612'],
    [2680, 'currencyUSD', '$2.68K'],
    [-0.5, 'currencyUSD', '-$0.500'],
    [0.0364, 'percentunit', '3.64%'],
    [95, 'percent', '95%'],
    [785.4, 'ms', '785.4 ms'],
    [3060, 'ms', '3.06 s'],
    [26, 's', '26 s'],
    [-0.0441, 'none', '-0.0441'],
    [null, 'short', '–'],
  ])('%s in %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text)
  })

  test('with the decimals that a panel asks for', () => {
    expect(formatValue(0.2291, 'percentunit', 1)).toBe('22.9%')
  })
})

describe('rows become what Grafana hands to a panel', () => {
  const column = (name: string): { readonly name: string; readonly type: string } => ({ name, type: 'String' })

  test('a column for each series, empty where a series has no point', () => {
    const frame = shownFrame(panelOf('overview', 'Spend by model'), {
      columns: ['time', 'series', 'colour', 'value'].map(column),
      rows: [
        ['2026-11-20 10:00:00', 'a', 'blue', 1],
        ['2026-11-20 10:01:00', 'a', 'blue', 2],
        ['2026-11-20 10:01:00', 'b', 'orange', 3],
      ],
    })
    expect(frame.fields).toEqual([
      { name: 'time', values: ['2026-11-20 10:00:00', '2026-11-20 10:01:00'] },
      { name: 'a', values: [1, 2], labels: '{colour="blue", series="a"}' },
      { name: 'b', values: [null, 3], labels: '{colour="orange", series="b"}' },
    ])
    const shown = { from: new Date(0), to: new Date() }
    const { series } = chartData(panelOf('overview', 'Spend by model'), frame, shown, [])
    expect(series.map(({ name, colour }) => [name, colour])).toEqual([
      ['a', PALETTE.blue],
      ['b', PALETTE.orange],
    ])
  })

  test('a matrix with its rows under their own name', () => {
    const frame = shownFrame(panelOf('quality', 'Quality by task and model'), {
      columns: ['Task', 'Model', 'Quality'].map(column),
      rows: [
        ['coding', 'a', 0.9],
        ['billing', 'b', 0.8],
      ],
    })
    expect(frame.fields).toEqual([
      { name: 'Task', values: ['coding', 'billing'] },
      { name: 'a', values: [0.9, null] },
      { name: 'b', values: [null, 0.8] },
    ])
  })
})

test('a page holds every panel in its place, and nothing of a value that would be read as a tag', () => {
  const board = boardFile('overview')
  const panels = board.panels.map((panel) => {
    const columns = panel.type === 'timeseries' ? ['time', 'series', 'colour', 'value'] : ['Route', 'Value']
    const row = panel.type === 'timeseries' ? ['2026-11-20 10:00:00', '<b>x</b>', 'blue', 1] : ['<script>', 1]
    return [panel, shownFrame(panel, { columns: columns.map((name) => ({ name, type: '' })), rows: [row] })] as const
  })
  const { html, size } = boardPage(board, EVERYTHING, panels, { from: new Date(0), to: new Date() }, [])
  expect(html.match(/<section/g)).toHaveLength(board.panels.length)
  expect(html).not.toContain('<b>x')
  expect(html.match(/<script>/g)).toHaveLength(2)
  const bottom = Math.max(...board.panels.map(({ gridPos: { y, h } }) => y + h))
  expect(size[1]).toBeGreaterThan(bottom * 38)
})

test('where there is no Chromium, it is said how to get one', () => {
  expect(() => findChromium({ CHROMIUM: '/nowhere/chromium' })).toThrow(
    'CHROMIUM names /nowhere/chromium, which does not exist',
  )
  expect(findChromium({ CHROMIUM: process.execPath })).toBe(process.execPath)
})
