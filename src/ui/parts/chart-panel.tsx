// A chart with its heading, its table on a switch, and its figures as CSV.
import { createSignal, type JSX, Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { type Cell, csv } from '../state/csv.ts'
import { save } from '../state/save.ts'
import { Segmented } from './segmented.tsx'
import { type Column, VirtualTable } from './virtual-table.tsx'
import './chart-panel.css'

export function ChartPanel<Row>(props: {
  title: JSX.Element
  about?: JSX.Element
  /** What the rows are, for those who cannot see the heading. */
  label: string
  testid: string
  /** Columns' ids head the CSV, their keys are its full figures. */
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  file: string
  controls?: JSX.Element
  /** Under a heading of its own. */
  nested?: boolean
  selected?: (row: Row) => boolean
  onSelect?: (row: Row) => void
  children: JSX.Element
}) {
  const [form, setForm] = createSignal<'chart' | 'table'>('chart')
  const text = () =>
    csv(
      props.columns.map(({ id }) => id),
      props.rows.map(row => props.columns.map(({ key }): Cell => key(row))),
    )
  return (
    <section class="section chart-panel" data-testid={props.testid}>
      <div class="row apart">
        <div>
          <Show when={props.nested} fallback={<h2>{props.title}</h2>}>
            <h3>{props.title}</h3>
          </Show>
          <Show when={props.about}>
            <p class="soft">{props.about}</p>
          </Show>
        </div>
        <div class="row">
          {props.controls}
          <Segmented
            label={t().charts.form}
            value={form()}
            choices={[
              { value: 'chart' as const, label: t().charts.chart },
              { value: 'table' as const, label: t().charts.table },
            ]}
            onChange={setForm}
          />
          <button
            type="button"
            class="button"
            onClick={() => void save(`${props.file}.csv`, async () => new Blob([text()], { type: 'text/csv' }))}
          >
            CSV
          </button>
        </div>
      </div>
      <Show when={form() === 'chart'} fallback={<Table {...props} />}>
        {props.children}
      </Show>
    </section>
  )
}

function Table<Row>(props: {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  selected?: (row: Row) => boolean
  onSelect?: (row: Row) => void
}) {
  return (
    <VirtualTable
      label={props.label}
      columns={props.columns}
      rows={props.rows}
      selected={row => props.selected?.(row) ?? false}
      onSelect={row => props.onSelect?.(row)}
    />
  )
}
