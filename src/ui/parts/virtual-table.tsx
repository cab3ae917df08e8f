// A table of any length that draws only the rows in sight; sorted by a click on a heading; rows can be selected.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createEffect, createMemo, createSignal, For, type JSX } from 'solid-js'
import './virtual-table.css'

export interface Column<Row> {
  id: string
  title: JSX.Element
  /** What is sorted by; null goes last either way. */
  key(row: Row): number | string | null
  cell(row: Row): JSX.Element
  figure?: boolean
}

export type Sorting = { column: string; down: boolean }

/** Rows in the order of a column; the order given stays among equals. */
export function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], by: Sorting): Row[] {
  const column = columns.find(({ id }) => id === by.column)
  if (!column) return [...rows]
  const sign = by.down ? -1 : 1
  return [...rows].sort((a, b) => {
    const [x, y] = [column.key(a), column.key(b)]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    return (x < y ? -1 : x > y ? 1 : 0) * sign
  })
}

export function VirtualTable<Row>(props: {
  label: string
  class: string // gives the columns their widths
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  sorting?: Sorting
  selected: (row: Row) => boolean
  onSelect: (row: Row) => void
}) {
  let frame!: HTMLDivElement
  const [sorting, setSorting] = createSignal<Sorting>(props.sorting ?? { column: '', down: false })
  const rows = createMemo(() => sorted(props.rows, props.columns, sorting()))
  const virtual = createVirtualizer({
    get count() {
      return rows().length
    },
    getScrollElement: () => frame,
    estimateSize: () => 29,
    overscan: 12,
  })
  createEffect(() => {
    const at = rows().findIndex(row => props.selected(row))
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' })
  })
  const sortBy = (column: string) => setSorting(now => ({ column, down: now.column === column ? !now.down : false }))
  const order = (column: string) => (sorting().column !== column ? 'none' : sorting().down ? 'descending' : 'ascending')
  const key = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || !(event.target instanceof HTMLElement) || event.target.role === 'columnheader') return
    const at = rows().findIndex(row => props.selected(row))
    const next = rows()[Math.max(0, Math.min(rows().length - 1, at + step))]
    if (next !== undefined) props.onSelect(next)
    event.preventDefault()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows out of sight are not drawn, which a table element cannot say
    <div
      class={`virtual-table ${props.class}`}
      ref={frame}
      role="table"
      aria-label={props.label}
      aria-rowcount={rows().length + 1}
      tabindex="0"
      onKeyDown={key}
    >
      <div role="rowgroup" class="head">
        <div role="row" aria-rowindex="1" class="line" tabindex="-1">
          <For each={props.columns}>
            {column => (
              <div role="columnheader" aria-sort={order(column.id)} classList={{ figure: column.figure }} tabindex="-1">
                <button type="button" onClick={() => sortBy(column.id)}>
                  {column.title}
                  <span aria-hidden="true" class="arrow">
                    {order(column.id) === 'none' ? '' : sorting().down ? '↓' : '↑'}
                  </span>
                </button>
              </div>
            )}
          </For>
        </div>
      </div>
      <div role="rowgroup" class="body" style={{ height: `${virtual.getTotalSize()}px` }}>
        <For each={virtual.getVirtualItems()}>
          {item => (
            <div
              role="row"
              tabindex="-1"
              aria-rowindex={item.index + 2}
              aria-selected={props.selected(rows()[item.index])}
              class="line"
              style={{ transform: `translateY(${item.start}px)` }}
              onClick={() => props.onSelect(rows()[item.index])}
              onKeyDown={event => event.key === 'Enter' && props.onSelect(rows()[item.index])}
            >
              <For each={props.columns}>
                {column => (
                  <div role="cell" classList={{ figure: column.figure }}>
                    {column.cell(rows()[item.index])}
                  </div>
                )}
              </For>
            </div>
          )}
        </For>
      </div>
    </div>
  )
}
