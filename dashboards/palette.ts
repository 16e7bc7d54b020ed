/**
 * Okabe and Ito's colours for every kind of colour vision (https://jfly.uni-koeln.de/color/), without black, which
 * does not show on Grafana's dark ground, and without the yellow, which does not show on its light one.
 */
export const PALETTE = {
  blue: '#0072B2',
  orange: '#E69F00',
  green: '#009E73',
  vermilion: '#D55E00',
  sky: '#56B4E9',
  purple: '#CC79A7',
  grey: '#8C8C8C',
} as const

export type Colour = keyof typeof PALETTE

/** Colours of series whose names come out of the rows, in the order in which they are given. */
export const SERIES_COLOURS = [
  'blue',
  'orange',
  'green',
  'purple',
  'sky',
  'vermilion',
  'grey',
] as const satisfies readonly Colour[]
