/**
 * A value as Grafana writes it in this unit (packages/grafana-data/src/valueFormats), for the units that panels have.
 * Complete in itself: its text goes into the page too, for the axes. Without `decimals` as many as Grafana would choose.
 */
export function formatValue(value: number | null | undefined, unit: string | undefined, decimals?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  const chosen = (scaled: number): number => {
    if (decimals !== undefined) return decimals
    const size = Math.abs(scaled)
    if (size === 0 || size % 1 === 0) return 0
    const wanted = Math.max(0, 1 - Math.floor(Math.log10(size)))
    return size * 10 ** wanted > 2.25 ? wanted + 1 : wanted
  }
  const plain = (scaled: number): string => {
    const text = scaled.toFixed(Math.min(12, chosen(scaled)))
    const [whole = '', fraction] = text.split('.')
    return fraction === undefined ? whole : `${whole}.${fraction}`
  }
  const scale = (steps: readonly (readonly [number, string])[]): string => {
    const [least, name] = steps.findLast(([from]) => Math.abs(value) >= from) ?? steps[0] ?? [1, '']
    return `${plain(value / (least === 0 ? 1 : least))}${name}`
  }
  switch (unit) {
    case 'currencyUSD': {
      const text = scale([
        [0, ''],
        [1e3, 'K'],
        [1e6, 'M'],
      ])
      return text.startsWith('-') ? `-$${text.slice(1)}` : `$${text}`
    }
    case 'percentunit':
      return `${plain(value * 100)}%`
    case 'percent':
      return `${plain(value)}%`
    case 'short':
      return scale([
        [0, ''],
        [1e3, ' K'],
        [1e6, ' Mil'],
        [1e9, ' Bil'],
      ])
    case 'ms':
      return scale([
        [0, ' ms'],
        [1e3, ' s'],
        [6e4, ' min'],
        [3.6e6, ' hour'],
      ])
    case 's':
      return scale([
        [0, ' s'],
        [60, ' mins'],
        [3600, ' hours'],
        [86_400, ' days'],
      ])
    default:
      return plain(value)
  }
}
