// The layers that a layer reads from and that read it, each a click away.
import { For, Show } from 'solid-js'
import { keyOf, type Scene } from '../graph/scene.ts'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function LayerNeighbours(props: { scene: Scene; at: number }) {
  const { select } = useStudio()
  const list = (title: string, near: readonly number[]) => (
    <Show when={near.length > 0}>
      <dt>{title}</dt>
      <dd>
        <ul>
          <For each={near.map(k => props.scene.nodes[k])}>
            {item => (
              <li>
                <button type="button" class="link mono" onClick={() => select(keyOf(item))}>
                  {item.name}
                </button>{' '}
                <span class="soft small">{item.kind === 'node' ? item.op : t().graph[item.kind]}</span>
              </li>
            )}
          </For>
        </ul>
      </dd>
    </Show>
  )
  return (
    <section class="section" data-testid="neighbours">
      <h3>{t().layer.neighbours}</h3>
      <dl class="facts">
        {list(t().layer.readsFrom, props.scene.before[props.at])}
        {list(t().layer.readBy, props.scene.after[props.at])}
      </dl>
    </section>
  )
}
