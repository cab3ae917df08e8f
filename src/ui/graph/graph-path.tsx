// Where the selection lies: the groups around it, each a button that folds it, and of a folded group what it holds.
import { For, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { Drawing } from '../state/graphs.ts'
import { useStudio } from '../state/studio.ts'
import { around } from './groups.ts'
import { groupKey, groupOfKey, timesOf } from './shown.ts'

export function GraphPath(props: {
  drawing: Drawing
  onFold: (group: number) => void
  onOpen: (group: number) => void
}) {
  const studio = useStudio()
  const list = () => props.drawing.groups.list
  const group = () => {
    const at = groupOfKey(studio.selected())
    return at < list().length && !props.drawing.opened.has(at) ? at : -1
  }
  const path = () => {
    const { scene, groups } = props.drawing
    if (group() >= 0) return around(groups, list()[group()].first).slice(0, list()[group()].depth)
    const node = scene.index.get(studio.selected() ?? '')
    return node === undefined ? [] : around(groups, node)
  }
  const name = (at: number) => `${list()[at].label} ${timesOf(list()[at].times)}`.trim()
  const sum = (at: number, of: 'macs' | 'bytes') => {
    const { first, last } = list()[at]
    return props.drawing.scene.nodes.slice(first, last + 1).reduce((total, item) => total + (item.node?.[of] ?? 0), 0)
  }
  const fold = (at: number) => {
    props.onFold(at)
    studio.select(groupKey(at))
  }
  return (
    <Show when={path().length > 0 || group() >= 0}>
      <nav class="graph-path" aria-label={t().graph.groups}>
        <For each={path()}>
          {at => (
            <Show
              when={props.drawing.opened.has(at)}
              fallback={
                <button
                  type="button"
                  class="link"
                  title={t().graph.open(name(at))}
                  onClick={() => props.onOpen(at)}
                >{`+ ${name(at)}`}</button>
              }
            >
              <button
                type="button"
                class="link"
                title={t().graph.fold(name(at))}
                onClick={() => fold(at)}
              >{`− ${name(at)}`}</button>
            </Show>
          )}
        </For>
        <Show when={group() >= 0}>
          <button
            type="button"
            class="link"
            title={t().graph.open(name(group()))}
            onClick={() => props.onOpen(group())}
          >{`+ ${name(group())}`}</button>
          <span class="soft" data-testid="group-facts">
            {t().graph.nodes(list()[group()].last - list()[group()].first + 1)} ·{' '}
            {format.count(sum(group(), 'macs'), locale())} {t().macs} · {format.bytes(sum(group(), 'bytes'), locale())}
          </span>
        </Show>
      </nav>
    </Show>
  )
}
