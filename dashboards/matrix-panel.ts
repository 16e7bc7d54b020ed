import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { type Colour, PALETTE } from './palette.ts'
import { NO_VALUE, PANEL_HEIGHT, type PanelText, type PlacedLater, type UnitName } from './panel.ts'
import { clickHouseQuery, ENVIRONMENT } from './query.ts'

/** Columns of the query: one makes the rows, one the columns, one the cells. */
export type MatrixSpec = PanelText & {
  readonly rows: string
  readonly columns: string
  readonly cells: string
  readonly unit: UnitName
  readonly decimals: number
  /** Colours of cells from this value on; below the first they have that of `below`. */
  readonly below: Colour
  readonly steps: readonly (readonly [number, Colour])[]
}

/** A table with a column for each value of one of the query's columns, its cells filled by what they hold. */
export function matrix(spec: MatrixSpec): PlacedLater {
  const steps: dashboard.Threshold[] = [
    { value: null, color: PALETTE[spec.below] },
    ...spec.steps.map(([value, colour]) => ({ value, color: PALETTE[colour] })),
  ]
  const builder = new TableBuilder()
    .title(spec.title)
    .description(spec.description)
    .datasource(ENVIRONMENT)
    .withTarget(clickHouseQuery(spec.sql, 'table'))
    .unit(spec.unit)
    .decimals(spec.decimals)
    .noValue(NO_VALUE)
    .showHeader(true)
    .cellHeight(common.TableCellHeight.Sm)
    .cellOptions({
      type: common.TableCellDisplayMode.ColorBackground,
      mode: common.TableCellBackgroundDisplayMode.Basic,
    })
    .thresholds(new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .transformations([
      ...groupedBy(spec.rows, spec.columns, spec.cells),
      { id: 'organize', options: { renameByName: { [`${spec.rows}\\${spec.columns}`]: spec.rows } } },
    ])
    // Its names would be filled as well.
    .overrideByName(spec.rows, [{ id: 'custom.cellOptions', value: { type: 'auto' } }])
  return { width: spec.width, height: spec.height ?? PANEL_HEIGHT, panel: builder.build() }
}

/** Grafana's "Grouping to matrix": what is in no row is empty, not zero. */
export function groupedBy(rowField: string, columnField: string, valueField: string) {
  return [{ id: 'groupingToMatrix', options: { rowField, columnField, valueField, emptyValue: 'null' } }]
}
