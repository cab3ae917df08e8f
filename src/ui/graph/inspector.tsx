// The selected layer: what it is, how far it strays, and what the recipe may say of it.
import { For, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { ChoiceField } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'
import { Said } from '../parts/said.tsx'
import { Sqnr } from '../parts/sqnr.tsx'
import { Term } from '../parts/term.tsx'
import { type LayerSetting, layerSetting, quantizes, setLayer, settingOf } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { layersByNode, type Scene } from './scene.ts'

function LayerSettings(props: { node: string; weights: boolean }) {
  const { project, run } = useStudio()
  const recipe = () => project.view()!.recipe
  const names = (): Record<LayerSetting, string> => ({
    step: t().graph.asStep,
    int7: t().graph.sevenBit,
    float: t().graph.keepFloat,
  })
  return (
    <Show when={quantizes(recipe())}>
      <ChoiceField<LayerSetting>
        name={t().graph.settings}
        value={settingOf(layerSetting(recipe(), props.node))}
        choices={props.weights ? ['step', 'int7', 'float'] : ['step', 'float']}
        label={setting => names()[setting]}
        disabled={project.view()!.readOnly || run.running() !== null}
        onChange={setting => void project.setRecipe(setLayer(recipe(), props.node, setting))}
      />
    </Show>
  )
}

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
            <dl class="facts">
              <dt>{t().model.shape}</dt>
              <dd>{chosen().detail || t().unknown}</dd>
              <Show when={chosen().node}>
                {node => (
                  <>
                    <dt>{t().macs}</dt>
                    <dd>{format.count(node().macs, locale())}</dd>
                    <dt>{t().graph.weights}</dt>
                    <dd>{node().bytes > 0 ? format.bytes(node().bytes, locale()) : t().none}</dd>
                  </>
                )}
              </Show>
              <Show when={layer()}>
                {row => (
                  <>
                    <dt>{t().result.bits}</dt>
                    <dd>
                      {row().weightBits ?? '–'}/{row().activationBits ?? '–'}
                    </dd>
                    <dt>
                      <Term of="sqnrSoFar">{t().result.soFar}</Term>
                    </dt>
                    <dd>
                      <Sqnr db={row().cumulativeSqnrDb} />
                    </dd>
                    <dt>
                      <Term of="sqnrLocal">{t().result.local}</Term>
                    </dt>
                    <dd>
                      <Sqnr db={row().sqnrDb} />
                    </dd>
                    <dt>{t().result.weight}</dt>
                    <dd>
                      <Sqnr db={row().weightSqnrDb} />
                    </dd>
                    <dt>{t().result.activation}</dt>
                    <dd>
                      <Sqnr db={row().activationSqnrDb} />
                    </dd>
                  </>
                )}
              </Show>
            </dl>
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
            <Show when={chosen().node}>
              {node => (
                <>
                  <LayerSettings node={node().origin[0] ?? node().id} weights={node().bytes > 0} />
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
