import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BoardFile, PanelFile } from '../fakes/dashboard-file.ts'
import type { Choices } from '../fakes/grafana-query.ts'
import type { Mark, Shown } from './chart-data.ts'
import { formatValue } from './format-value.ts'
import { escaped, panelHtml } from './panel-html.ts'
import type { Frame } from './shown-frame.ts'

/** A page of its own that shows a dashboard, and the size in pixels that it takes. */
export type BoardPage = { readonly html: string; readonly size: readonly [number, number] }

const WIDTH = 1600
/** Of Grafana's grid: a row is 30 pixels high, and 8 are left between panels. */
const ROW = 30
const GAP = 8
const HEAD = 96

/** Of a page down to the end of so many rows of the grid, in pixels. */
export const heightOf = (rows: number): number => HEAD + rows * (ROW + GAP)

/** Draws `panels` in their places. What Grafana's own code would draw a little differently, this draws about as well. */
export function boardPage(
  board: BoardFile,
  choices: Choices,
  panels: readonly (readonly [PanelFile, Frame])[],
  shown: Shown,
  marks: readonly Mark[],
): BoardPage {
  const { from, to } = shown
  const column = (WIDTH - GAP) / 24
  const places = panels.map(([panel, frame]) => {
    const { x, y, w, h } = panel.gridPos
    const style = [
      `left:${Math.round(GAP + x * column)}px`,
      `top:${HEAD + y * (ROW + GAP)}px`,
      `width:${Math.round(w * column - GAP)}px`,
      `height:${h * (ROW + GAP) - GAP}px`,
    ].join(';')
    return `<section style="${style}"><h2>${escaped(panel.title)}</h2><div class="body">${panelHtml(panel, frame, shown, marks)}</div></section>`
  })
  const rows = Math.max(...panels.map(([{ gridPos }]) => gridPos.y + gridPos.h))
  const chosen = board.templating.list.map(
    ({ name, label }) =>
      `<span class="variable"><b>${escaped(label ?? name)}</b>${name === 'environment' ? 'Understudy' : escaped(chosenText(choices, name))}</span>`,
  )
  const html = `<!doctype html><meta charset="utf-8"><style>${uPlotFile('uPlot.min.css')}${STYLE}</style>
<header><h1>${escaped(board.title)}</h1><span class="time">${lengthText(to.getTime() - from.getTime())} to ${to.toISOString().slice(0, 16).replace('T', ' ')} UTC</span></header><nav>${chosen.join('')}</nav>
${places.join('\n')}
<script>${uPlotFile('uPlot.iife.min.js')}</script>
<script>${formatValue.toString()}\n${readFileSync(join(import.meta.dirname, 'draw-charts.js'), 'utf8')}</script>`
  return { html, size: [WIDTH, heightOf(rows)] }
}

function lengthText(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`
}

function chosenText(choices: Choices, name: string): string {
  const chosen = choices[name] ?? 'all'
  return chosen === 'all' ? 'All' : chosen.join(' + ')
}

const uPlotFile = (name: string): string => readFileSync(new URL(name, import.meta.resolve('uplot')), 'utf8')

const STYLE = `
* { box-sizing: border-box }
body { margin: 0; background: #111217; color: #ccccdc; font: 14px Inter, "Helvetica Neue", Arial, sans-serif; position: relative }
header { padding: 12px 16px 0; display: flex; justify-content: space-between } h1 { font-size: 18px; font-weight: 500; margin: 0 }
.time { color: #9fa0a8 } nav { padding: 10px 16px; display: flex; gap: 12px }
.variable { border: 1px solid rgba(204,204,220,.16); border-radius: 2px; padding: 5px 10px; font-size: 12px }
.variable b { font-weight: 500; color: #6e9fff; margin-right: 8px }
section { position: absolute; background: #181b1f; border: 1px solid rgba(204,204,220,.12); border-radius: 2px; overflow: hidden; display: flex; flex-direction: column }
h2 { font-size: 14px; font-weight: 500; margin: 0; padding: 8px 10px 4px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.body { flex: 1; min-height: 0; padding: 0 8px; position: relative; display: flex; flex-direction: column }
.nothing { margin: auto; color: #9fa0a8 }
.stats { display: flex; flex: 1; align-items: center } .stat { flex: 1; text-align: center; font-size: 38px; font-weight: 500; white-space: nowrap }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: 14px } thead tr { height: 36px }
th { text-align: left; font-weight: 500; color: #6e9fff; font-size: 13px; padding: 0 6px; border-bottom: 1px solid rgba(204,204,220,.12); white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
td { padding: 0 6px; border-bottom: 1px solid rgba(204,204,220,.07); white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.right { text-align: right } .link { color: #6e9fff; text-decoration: underline }
.gauges { display: flex; flex-direction: column; justify-content: space-evenly; flex: 1; padding: 4px 4px 8px }
.gauge { display: flex; align-items: center; gap: 10px } .gauge .name { width: 32%; text-align: right; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-size: 13px }
.gauge .track { flex: 1; background: #22252b; height: 18px } .gauge .track span { display: block; height: 100% } .gauge .value { width: 74px; font-weight: 500 }
.chart { flex: none } .legend { padding: 2px 8px 6px; font-size: 12px; display: flex; flex-wrap: wrap; gap: 2px 14px; max-height: 44px; overflow: hidden }
.legend i { display: inline-block; width: 14px; height: 4px; margin-right: 6px; vertical-align: middle; border-radius: 1px }
`
