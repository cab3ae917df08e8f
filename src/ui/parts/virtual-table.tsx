// A table of any length that draws only the rows in sight, with room above and below for the others; sorted by a click on
// a heading. A row is chosen by the button in its first cell, or by a click anywhere on it.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createEffect, createMemo, createSignal, For, type JSX, onMount, Show } from 'solid-js'
import { type Sorting, sorted } from './sorting.ts'
import './virtual-table.css'

export interface Column<Row> {
  id: string
  title: JSX.Element
  width: number // in px; the first column takes what is left
  /** What is sorted by; null goes last either way. */
  key(row: Row): number | string | null
  cell(row: Row): JSX.Element
  figure?: boolean
}

const rowHeight = 29

export function VirtualTable<Row>(props: {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  sorting?: Sorting
  selected: (row: Row) => boolean
  onSelect: (row: Row) => void
}) {
  let frame!: HTMLDivElement
  let body!: HTMLTableSectionElement
  const [sorting, setSorting] = createSignal<Sorting>(props.sorting ?? { column: '', down: false })
  const rows = createMemo(() => sorted(props.rows, props.columns, sorting()))
  const virtual = createVirtualizer({
    get count() {
      return rows().length
    },
    getScrollElement: () => frame,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  // Fewer rows are there before the window over them is told.
  const inSight = () => virtual.getVirtualItems().filter(({ index }) => index < rows().length)
  const above = () => virtual.getVirtualItems()[0]?.start ?? 0
  const below = () => virtual.getTotalSize() - (virtual.getVirtualItems().at(-1)?.end ?? 0)
  const chosen = createMemo(() => rows().findIndex(row => props.selected(row)))
  createEffect(() => {
    if (chosen() >= 0) virtual.scrollToIndex(chosen(), { align: 'auto' })
  })
  const sortBy = (column: string) => setSorting(now => ({ column, down: now.column === column ? !now.down : false }))
  const order = (column: string) => (sorting().column !== column ? 'none' : sorting().down ? 'descending' : 'ascending')

  onMount(() => {
    body.addEventListener('click', event => {
      const line = (event.target as Element).closest<HTMLElement>('tr[data-index]')
      if (line) props.onSelect(rows()[Number(line.dataset.index)])
    })
    body.addEventListener('keydown', event => {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
      const line = (event.target as Element).closest<HTMLElement>('tr[data-index]')
      if (step === 0 || !line) return
      event.preventDefault()
      const next = Math.max(0, Math.min(rows().length - 1, Number(line.dataset.index) + step))
      virtual.scrollToIndex(next, { align: 'auto' })
      props.onSelect(rows()[next])
      requestAnimationFrame(() => body.querySelector<HTMLElement>(`tr[data-index="${next}"] button`)?.focus())
    })
  })
  const width = () => props.columns.reduce((sum, column) => sum + column.width, 0)
  return (
    <div class="virtual-table" ref={frame}>
      <table aria-label={props.label} aria-rowcount={rows().length + 1} style={{ 'min-width': `${width()}px` }}>
        <colgroup>
          <For each={props.columns}>
            {(column, k) => <col style={{ width: k() === 0 ? 'auto' : `${column.width}px` }} />}
          </For>
        </colgroup>
        <thead>
          <tr aria-rowindex="1">
            <For each={props.columns}>
              {column => (
                <th scope="col" aria-sort={order(column.id)} classList={{ figure: column.figure }}>
                  <button type="button" onClick={() => sortBy(column.id)}>
                    {column.title}
                    <span aria-hidden="true" class="arrow">
                      {order(column.id) === 'none' ? '' : sorting().down ? ' ↓' : ' ↑'}
                    </span>
                  </button>
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody ref={body}>
          <Show when={above() > 0}>
            <tr class="room" style={{ height: `${above()}px` }} />
          </Show>
          <For each={inSight()}>
            {item => (
              <tr
                data-index={item.index}
                aria-rowindex={item.index + 2}
                classList={{ chosen: item.index === chosen() }}
              >
                <For each={props.columns}>
                  {(column, k) => (
                    <td classList={{ figure: column.figure }}>
                      <Show when={k() === 0} fallback={column.cell(rows()[item.index])}>
                        <button type="button" aria-pressed={item.index === chosen()}>
                          {column.cell(rows()[item.index])}
                        </button>
                      </Show>
                    </td>
                  )}
                </For>
              </tr>
            )}
          </For>
          <Show when={below() > 0}>
            <tr class="room" style={{ height: `${below()}px` }} />
          </Show>
        </tbody>
      </table>
    </div>
  )
}
