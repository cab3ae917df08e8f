// Layers of which the same is said, said once: the operator, how many, and each a click away.
import { For, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'

const inSight = 4

export interface Named {
  node: string | null
  op: string
}

/** Rows that say the same together, in the order of the first of each. */
export function grouped<Row>(rows: readonly Row[], says: (row: Row) => unknown): Row[][] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify(says(row))
    const known = groups.get(key)
    if (known) known.push(row)
    else groups.set(key, [row])
  }
  return [...groups.values()]
}

export function Alike<Row extends Named>(props: { rows: readonly Row[]; onSelect: (row: Row) => void }) {
  const layer = (row: Row) => (
    <Show when={row.node} fallback={<span class="soft">{t().lint.whole}</span>}>
      <button type="button" class="link mono" onClick={() => props.onSelect(row)}>
        {row.node}
      </button>
    </Show>
  )
  return (
    <>
      <span class="row alike">
        <span>
          <b>{props.rows[0].op}</b>
          <Show when={props.rows.length > 1}> × {format.whole(props.rows.length, locale())}</Show>
        </span>
        <For each={props.rows.slice(0, inSight)}>{layer}</For>
      </span>
      <Show when={props.rows.length > inSight}>
        <details>
          <summary>{t().lint.more(format.whole(props.rows.length - inSight, locale()))}</summary>
          <span class="row alike">
            <For each={props.rows.slice(inSight)}>{layer}</For>
          </span>
        </details>
      </Show>
    </>
  )
}
