// The selected layer: what it is, and its page; for what is not a layer, what it is and where it leads.
import { For, Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { Icon } from '../parts/icon.tsx'
import { LayerFacts } from '../parts/layer-facts.tsx'
import { LayerNeighbours } from '../parts/layer-neighbours.tsx'
import { LayerPage } from '../parts/layer-page.tsx'
import { Said } from '../parts/said.tsx'
import { useStudio } from '../state/studio.ts'
import { layersByNode, type Scene } from './scene.ts'

export function Inspector(props: { scene: Scene }) {
  const studio = useStudio()
  const at = () => props.scene.index.get(studio.selected() ?? '') ?? -1
  const item = () => props.scene.nodes[at()]
  const layer = () => layersByNode(props.scene, studio.layers()).get(at())
  const diverges = () => {
    const name = studio.dumps.dump()?.firstDifference
    return name ? (item()?.node?.outputs.includes(name) ?? false) : false
  }
  const whyFloat = () => {
    const names = new Set([item()?.id, ...(item()?.node?.origin ?? [])])
    return studio.report()?.floatLeft.find(row => names.has(row.node))?.why
  }
  return (
    <aside class="inspector" classList={{ empty: !item() }} aria-label={t().graph.layer}>
      <Show when={item()} fallback={<p class="soft">{t().graph.nothing}</p>}>
        {chosen => (
          <>
            <div class="row apart">
              <h2>{chosen().kind === 'node' ? chosen().op : t().graph[chosen().kind as 'input' | 'output']}</h2>
              <button type="button" class="button bare icon" aria-label={t().close} onClick={() => studio.select(null)}>
                <Icon name="close" />
              </button>
            </div>
            <p class="mono name">{chosen().name}</p>
            <Show when={diverges()}>
              <p class="note bad-note" data-testid="diverges">
                {t().dump.here}
              </p>
            </Show>
            <Show when={whyFloat()}>
              {why => (
                <p class="note">
                  {t().graph.whyFloat}: <Said words={why()} />
                </p>
              )}
            </Show>
            <Show
              when={chosen().node}
              fallback={
                <>
                  <LayerFacts item={chosen()} before={[]} weightShape={null} layer={undefined} />
                  <LayerNeighbours scene={props.scene} at={at()} />
                </>
              }
            >
              {node => (
                <>
                  {/* Another layer is another page: nothing of one is to stay on the next. */}
                  <Show when={chosen().id} keyed>
                    <LayerPage scene={props.scene} at={at()} layer={layer()} />
                  </Show>
                  <Show when={node().attrs.length > 0}>
                    <section class="section">
                      <h3>{t().graph.attributes}</h3>
                      <dl class="facts">
                        <For each={node().attrs}>
                          {attr => (
                            <>
                              <dt>{attr.name}</dt>
                              <dd class="mono">{attr.text}</dd>
                            </>
                          )}
                        </For>
                      </dl>
                    </section>
                  </Show>
                  <Show when={node().origin.some(name => name !== node().id)}>
                    <section class="section">
                      <h3>{t().graph.origin}</h3>
                      <ul class="mono">
                        <For each={node().origin}>{name => <li>{name}</li>}</For>
                      </ul>
                    </section>
                  </Show>
                </>
              )}
            </Show>
          </>
        )}
      </Show>
    </aside>
  )
}
