// Runs in the page, after uPlot and `formatValue`: draws what is in the attributes `data-chart`.
const GRID = { stroke: 'rgba(204,204,220,0.09)', width: 1 }
const AXIS = { stroke: '#9fa0a8', font: '12px Inter, "Helvetica Neue", Arial, sans-serif', grid: GRID, ticks: GRID }

for (const element of document.querySelectorAll('[data-chart]')) {
  const chart = JSON.parse(element.dataset.chart)
  const stacked = chart.kind === 'stacked'
  const isLine = chart.kind === 'lines' || chart.kind === 'steps'
  const sums = chart.x.map(() => 0)
  const drawn = chart.series.map(({ values }) =>
    values.map((value, at) => {
      if (!stacked) return value
      sums[at] += value ?? 0
      return value === null ? null : sums[at]
    }),
  )
  const most = Math.max(0, ...drawn.flat().map((value) => value ?? 0))
  const top = chart.max ?? Math.max(most === 0 ? 1 : most * 1.06, ...chart.lines.map(({ at }) => at * 1.1))
  const all = drawn.flat().filter((value) => value !== null)
  const least = all.length === 0 ? 0 : Math.min(...all)
  const low = chart.min === undefined ? least - (most - least) * 0.1 : Math.min(chart.min, least)
  const legendHeight = element.nextElementSibling?.offsetHeight ?? 0
  const width = element.parentElement.clientWidth - 16
  const height = element.parentElement.clientHeight - legendHeight - 12
  if (chart.kind === 'grouped') {
    drawGroups(element, chart, { width, height, top })
    continue
  }
  // As Grafana's axes have them: no zeros at the end.
  const ticks = (splits) =>
    splits.map((value) =>
      formatValue(value, chart.unit)
        .replace(/(\.\d*?)0+(?!\d)/, '$1')
        .replace(/\.(?!\d)/, ''),
    )
  const series = chart.series.map(({ name, colour }) => {
    if (isLine) {
      const points = { show: chart.x.length < 40, size: 5, fill: colour }
      const paths = chart.kind === 'steps' ? uPlot.paths.stepped({ align: 1 }) : undefined
      return { label: name, stroke: colour, width: 2, points, paths }
    }
    const paths = uPlot.paths.bars({ size: [0.9, 40] })
    return { label: name, stroke: colour, fill: colour, width: 0, points: { show: false }, paths }
  })
  // The sum of all is drawn first and the smaller sums over it.
  const inOrder = stacked ? [...series.keys()].reverse() : [...series.keys()]
  const withGaps = (values) =>
    values.map((value, at) => {
      if (value !== null || !isLine) return value
      const from = chart.x.slice(0, at).findLastIndex((_x, before) => values[before] !== null)
      const to = values.findIndex((next, after) => after > at && next !== null)
      return from >= 0 && to > 0 && chart.x[to] - chart.x[from] <= chart.spanSeconds ? undefined : null
    })
  new uPlot(
    {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 12, 0, 0],
      scales: { x: { time: true, range: chart.range }, y: { range: [low, top] } },
      axes: [
        { ...AXIS, space: 80 },
        { ...AXIS, size: 74, space: 36, values: (_plot, splits) => ticks(splits) },
      ],
      series: [{}, ...inOrder.map((at) => series[at])],
      hooks: { draw: [(plot) => drawMarks(plot, chart.marks), (plot) => drawLines(plot, chart.lines)] },
      fmtDate: (template) => uPlot.fmtDate(template),
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
    },
    [chart.x, ...inOrder.map((at) => withGaps(drawn[at]))],
    element,
  )
}

/** Thresholds, from side to side. */
function drawLines(plot, lines) {
  for (const { at, colour } of lines) {
    const y = Math.round(plot.valToPos(at, 'y', true))
    plot.ctx.save()
    plot.ctx.strokeStyle = colour
    plot.ctx.setLineDash([8, 6])
    plot.ctx.beginPath()
    plot.ctx.moveTo(plot.bbox.left, y)
    plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y)
    plot.ctx.stroke()
    plot.ctx.restore()
  }
}

/** What happened, as dashed lines from top to bottom. */
function drawMarks(plot, marks) {
  const { left, top, width, height } = plot.bbox
  for (const { at, colour } of marks) {
    const x = Math.round(plot.valToPos(at, 'x', true))
    if (x < left || x > left + width) continue
    plot.ctx.save()
    plot.ctx.strokeStyle = colour
    plot.ctx.setLineDash([4, 3])
    plot.ctx.beginPath()
    plot.ctx.moveTo(x, top)
    plot.ctx.lineTo(x, top + height)
    plot.ctx.stroke()
    plot.ctx.restore()
  }
}

/** Bars beside each other, which uPlot leaves to its users. */
function drawGroups(element, chart, { width, height, top }) {
  const [left, bottom] = [64, 40]
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  element.append(canvas)
  const pen = canvas.getContext('2d')
  pen.font = AXIS.font
  const y = (value) => 8 + (height - bottom - 8) * (1 - value / top)
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5].find((each) => top / each <= 5) ?? top / 4
  for (let value = 0; value <= top; value += step) {
    pen.strokeStyle = GRID.stroke
    pen.beginPath()
    pen.moveTo(left, y(value))
    pen.lineTo(width - 8, y(value))
    pen.stroke()
    pen.fillStyle = AXIS.stroke
    pen.textAlign = 'right'
    pen.fillText(formatValue(value, chart.unit, chart.unit === 'percentunit' ? 0 : undefined), left - 8, y(value) + 4)
  }
  const group = (width - left - 8) / chart.x.length
  const bar = (group * 0.8) / chart.series.length
  for (const [at, label] of chart.labels.entries()) {
    const from = left + group * at
    chart.series.forEach(({ values, colour }, place) => {
      const value = values[at] ?? 0
      pen.fillStyle = colour
      pen.fillRect(from + group * 0.1 + bar * place, y(value), Math.max(1, bar - 1), y(0) - y(value))
    })
    pen.fillStyle = AXIS.stroke
    pen.textAlign = 'center'
    pen.fillText(label, from + group / 2, height - bottom + 18)
  }
}
