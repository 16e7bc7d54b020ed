import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PALETTE } from '../../../dashboards/palette.ts'
import { findChromium, screenshot } from '../../pictures/chromium.ts'
import { DAY_MS, type FeedbackScenario } from './feedback-scenario.ts'
import { bestModel, type FeedbackRun } from './simulate-feedback.ts'

const WIDTH = 1000
const PANEL = 190
const [LEFT, TOP] = [60, 70]
const COLOURS = [PALETTE.green, PALETTE.blue, PALETTE.orange]

/** Draws how the weights of one run went, a panel per task, into the PNG at `file`. */
export async function drawCourse(
  scenario: FeedbackScenario,
  run: FeedbackRun,
  file: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const chromium = findChromium(environment)
  const dir = mkdtempSync(join(tmpdir(), 'understudy-picture-'))
  const [page, height] = [join(dir, 'page.html'), TOP + Object.keys(scenario.tasks).length * PANEL + 10]
  try {
    writeFileSync(page, coursePage(scenario, run, height))
    await screenshot(chromium, page, file, { size: [WIDTH, height], scale: 1 })
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function coursePage(scenario: FeedbackScenario, run: FeedbackRun, height: number): string {
  const legend = scenario.models.map(({ key, usd }, index) => {
    const x = LEFT + index * 250
    return `<rect x="${x}" y="38" width="14" height="14" fill="${COLOURS[index]}"/><text x="${x + 20}" y="50">${key}, ${usd} USD a request</text>`
  })
  const panels = Object.keys(scenario.tasks).map((task, index) => panel(scenario, run, task, TOP + index * PANEL))
  return `<!doctype html><meta charset="utf-8"><style>body{margin:0;background:#fff}text{font:13px sans-serif;fill:#333}</style>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}">
<text x="${LEFT}" y="22" style="font-size:16px">Shares of three simulated models per task, from equal ones, over ${scenario.days} days</text>
${legend.join('')}${panels.join('')}</svg>`
}

function panel(scenario: FeedbackScenario, { course }: FeedbackRun, task: string, top: number): string {
  const [width, tall] = [WIDTH - LEFT - 20, PANEL - 50]
  const x = (at: number): string => (LEFT + (width * at) / (scenario.days * DAY_MS)).toFixed(1)
  const y = (share: number): string => (top + 24 + tall * (1 - share)).toFixed(1)
  const lines = scenario.models.map((_model, index) => {
    const points = course.map(({ at, shares }) => `${x(at)},${y(shares[task]?.[index] ?? 0)}`)
    return `<polyline fill="none" stroke="${COLOURS[index]}" stroke-width="2.5" points="${points.join(' ')}"/>`
  })
  const grid = [0, 0.5, 1].map(
    (share) =>
      `<line x1="${LEFT}" x2="${LEFT + width}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/><text x="12" y="${Number(y(share)) + 4}">${100 * share} %</text>`,
  )
  const days = Array.from({ length: Math.floor(scenario.days / 10) + 1 }, (_, index) => {
    const at = x(index * 10 * DAY_MS)
    return `<text x="${at}" y="${top + tall + 40}" text-anchor="middle">day ${index * 10}</text>`
  })
  const [before, after] = [0, scenario.turnAt].map((at) => bestModel(scenario, task, at))
  const key = (place: number | undefined): string => scenario.models[place ?? 0]?.key ?? ''
  const best =
    before === after
      ? `cheapest that is good enough: ${key(before)}`
      : `${key(before)}, from day ${scenario.turnAt / DAY_MS} ${key(after)}: the other got worse`
  const turn =
    before === after
      ? ''
      : `<line x1="${x(scenario.turnAt)}" x2="${x(scenario.turnAt)}" y1="${y(1)}" y2="${y(0)}" stroke="#999" stroke-dasharray="4 4"/>`
  return `<text x="${LEFT}" y="${top + 14}"><tspan font-weight="bold">${task}</tspan> — ${best}</text>${grid.join('')}${turn}${lines.join('')}${days.join('')}`
}
