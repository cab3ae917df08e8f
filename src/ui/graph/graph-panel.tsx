// The graph with its tools: which version, picture or table, search, zoom; and the inspector beside it.
import { createSignal, Match, Show, Switch } from 'solid-js'
import { t } from '../i18n/index.ts'
import { Icon } from '../parts/icon.tsx'
import { Said } from '../parts/said.tsx'
import { Segmented } from '../parts/segmented.tsx'
import { Term } from '../parts/term.tsx'
import type { Which } from '../state/graphs.ts'
import { useStudio } from '../state/studio.ts'
import { GraphCanvas, type GraphControls } from './graph-canvas.tsx'
import { GraphTable } from './graph-table.tsx'
import { Inspector } from './inspector.tsx'
import { keyOf, search } from './scene.ts'
import './graph.css'

function Legend() {
  const { layers } = useStudio()
  return (
    <div class="legend">
      <Show when={layers().length > 0} fallback={<span class="soft">{t().graph.noFigures}</span>}>
        <Term of="sqnr">{t().graph.legend}</Term>
        <span>0</span>
        <span class="ramp" aria-hidden="true" />
        <span>50 dB</span>
      </Show>
    </div>
  )
}

export function GraphPanel() {
  const { graphs, variants, select } = useStudio()
  const [query, setQuery] = createSignal('')
  const [form, setForm] = createSignal<'graph' | 'table'>('graph')
  const [controls, setControls] = createSignal<GraphControls | null>(null)
  const found = () => {
    const scene = graphs.drawing.latest?.scene
    return scene ? search(scene, query()) : []
  }
  const hidden = () => graphs.drawing.latest?.scene.constants ?? 0
  let nextFound = 0
  const goOn = () => {
    const scene = graphs.drawing.latest?.scene
    const hits = found()
    if (scene && hits.length > 0) select(keyOf(scene.nodes[hits[nextFound++ % hits.length]]))
  }
  const versions = () => {
    const done = variants.shown() !== null
    return [
      { value: 'original' as const, label: t().model.original },
      { value: 'optimized' as const, label: t().model.optimized, disabled: !done },
      { value: 'quantized' as const, label: t().model.quantized, disabled: !done },
    ]
  }
  return (
    <section class="graph-panel" aria-label={t().model.graph}>
      <div class="graph-tools">
        <Segmented<Which>
          label={t().model.which}
          value={graphs.which()}
          choices={versions()}
          onChange={graphs.setWhich}
        />
        <Segmented
          label={t().graph.view}
          value={form()}
          choices={[
            { value: 'graph' as const, label: t().graph.asGraph },
            { value: 'table' as const, label: t().graph.asTable },
          ]}
          onChange={setForm}
        />
        <input
          id="graph-search"
          type="search"
          aria-label={t().graph.search}
          placeholder={t().graph.search}
          value={query()}
          onInput={event => {
            nextFound = 0
            setQuery(event.currentTarget.value)
          }}
          onKeyDown={event => event.key === 'Enter' && goOn()}
        />
        <span class="soft" aria-live="polite">
          {query() ? t().graph.found(found().length) : hidden() > 0 ? t().graph.constants(hidden()) : ''}
        </span>
        <Legend />
      </div>
      <div class="graph-body">
        <div class="graph-stage">
          <Switch fallback={<p class="graph-words soft">{t().graph.laying}…</p>}>
            <Match when={graphs.failed()}>
              {why => (
                <p class="graph-words bad">
                  <Said words={why()} />
                </p>
              )}
            </Match>
            <Match when={graphs.drawing.latest}>
              {drawing => (
                <Show when={form() === 'graph'} fallback={<GraphTable scene={drawing().scene} found={found()} />}>
                  <GraphCanvas drawing={drawing()} found={found()} controls={setControls} />
                  <div class="graph-zoom">
                    <button
                      type="button"
                      class="button icon"
                      aria-label={t().graph.zoomIn}
                      title={`${t().graph.zoomIn} +`}
                      onClick={() => controls()?.zoom(1.4)}
                    >
                      <Icon name="plus" />
                    </button>
                    <button
                      type="button"
                      class="button icon"
                      aria-label={t().graph.zoomOut}
                      title={`${t().graph.zoomOut} −`}
                      onClick={() => controls()?.zoom(1 / 1.4)}
                    >
                      <Icon name="minus" />
                    </button>
                    <button
                      type="button"
                      class="button icon"
                      aria-label={t().graph.fit}
                      title={`${t().graph.fit} F`}
                      onClick={() => controls()?.fit()}
                    >
                      <Icon name="fit" />
                    </button>
                  </div>
                </Show>
              )}
            </Match>
          </Switch>
        </div>
        <Show when={graphs.drawing.latest}>{drawing => <Inspector scene={drawing().scene} />}</Show>
      </div>
    </section>
  )
}
