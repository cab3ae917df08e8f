// The graph with its tools: which version, picture or table, search, colours, folding, zoom; and the inspector beside it.
import { createMemo, createSignal, For, Match, Show, Switch } from 'solid-js'
import { t } from '../i18n/index.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Said } from '../parts/said.tsx'
import { Segmented } from '../parts/segmented.tsx'
import type { Which } from '../state/graphs.ts'
import { createSpeed, timesOf } from '../state/speed.ts'
import { useStudio } from '../state/studio.ts'
import { type By, coloursOf, figuresOf, type Known, offered } from './colouring.ts'
import { GraphCanvas, type GraphControls } from './graph-canvas.tsx'
import { GraphTable } from './graph-table.tsx'
import { Inspector } from './inspector.tsx'
import { Legend } from './legend.tsx'
import { keyOf, layersByNode, search } from './scene.ts'
import { hiding } from './shown.ts'
import './graph.css'

function Tool(props: { icon: IconName; name: string; shortcut: string; onClick: () => void; disabled?: boolean }) {
  return (
    <button
      type="button"
      class="button icon"
      aria-label={props.name}
      title={`${props.name} (${props.shortcut})`}
      disabled={props.disabled}
      onClick={() => props.onClick()}
    >
      <Icon name={props.icon} />
    </button>
  )
}

export function GraphPanel() {
  const studio = useStudio()
  const { graphs, variants, select } = studio
  const [query, setQuery] = createSignal('')
  const [form, setForm] = createSignal<'graph' | 'table'>('graph')
  const [wantedBy, setBy] = createSignal<By | 'none'>('sqnr')
  const [controls, setControls] = createSignal<GraphControls | null>(null)
  const drawing = () => graphs.drawing.latest ?? null
  const found = createMemo(() => {
    const now = drawing()
    return now ? search(now.scene, query()) : []
  })
  const hidden = () => drawing()?.scene.constants ?? 0

  const scene = createMemo(() => drawing()?.scene ?? null)
  const speed = createSpeed()
  const known = createMemo((): Known => {
    const now = scene()
    return {
      layers: now ? layersByNode(now, studio.layers()) : new Map(),
      pruned: studio.report()?.pruned ?? null,
      times: timesOf(speed(), graphs.which() !== 'quantized'),
    }
  })
  const choices = createMemo(() => {
    const now = scene()
    return now && !drawing()?.difference ? offered(now, known()) : []
  })
  const by = (): By | null => choices().find(choice => choice === wantedBy()) ?? null
  const colours = createMemo(() => {
    const [now, chosen] = [drawing(), by()]
    return now && chosen ? coloursOf(now.scene, now.groups, now.shown, known(), chosen) : null
  })
  const figures = createMemo(() => {
    const [now, chosen] = [scene(), by()]
    return now && chosen ? figuresOf(now, known(), chosen) : null
  })

  const [at, setAt] = createSignal(-1)
  const goOn = (step: number) => {
    const [now, hits] = [drawing(), found()]
    if (!now || hits.length === 0) return
    const next = at() < 0 && step < 0 ? hits.length - 1 : (at() + step + hits.length) % hits.length
    setAt(next)
    const hiders = hiding(now.groups, now.opened, hits[next])
    if (hiders.length > 0) graphs.open(hiders)
    select(keyOf(now.scene.nodes[hits[next]]))
  }
  const said = () => {
    if (!query()) return hidden() > 0 ? t().graph.constants(hidden()) : ''
    return at() < 0 || found().length === 0
      ? t().graph.found(found().length)
      : t().graph.foundAt(at() + 1, found().length)
  }
  const versions = () => {
    const done = variants.shown() !== null
    return [
      { value: 'original' as const, label: t().model.original },
      { value: 'optimized' as const, label: t().model.optimized, disabled: !done },
      { value: 'quantized' as const, label: t().model.quantized, disabled: !done },
      { value: 'difference' as const, label: t().graph.difference, title: t().graph.differenceAbout, disabled: !done },
    ]
  }
  const picker = () => (
    <label class="picker">
      <span class="soft">{t().graph.colour}</span>
      <select
        data-testid="colour-by"
        value={by() ?? 'none'}
        onChange={event => setBy(event.currentTarget.value as By | 'none')}
      >
        <option value="none" selected={by() === null}>
          {t().graph.by.none}
        </option>
        <For each={choices()}>
          {choice => (
            <option value={choice} selected={choice === by()}>
              {t().graph.by[choice]}
            </option>
          )}
        </For>
      </select>
    </label>
  )
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
          placeholder={`${t().graph.search} (/)`}
          value={query()}
          onInput={event => {
            setAt(-1)
            setQuery(event.currentTarget.value)
          }}
          onKeyDown={event => event.key === 'Enter' && goOn(event.shiftKey ? -1 : 1)}
        />
        <span class="soft" aria-live="polite" data-testid="graph-found">
          {said()}
        </span>
        <Show when={drawing()}>{now => <Legend drawing={now()} colours={colours()} picker={picker()} />}</Show>
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
            <Match when={drawing()}>
              {now => (
                <Show
                  when={form() === 'graph'}
                  fallback={
                    <GraphTable
                      scene={now().scene}
                      found={found()}
                      searched={query().trim() !== ''}
                      difference={now().difference}
                      by={by()}
                      figures={figures()}
                    />
                  }
                >
                  <GraphCanvas drawing={now()} colours={colours()} found={found()} controls={setControls} />
                  <div class="graph-zoom">
                    <Show when={now().groups.list.length > 0}>
                      <Tool icon="fold" name={t().graph.foldAll} shortcut="[" onClick={graphs.foldAll} />
                      <Tool icon="unfold" name={t().graph.openAll} shortcut="]" onClick={graphs.openAll} />
                    </Show>
                    <Tool icon="plus" name={t().graph.zoomIn} shortcut="+" onClick={() => controls()?.zoom(1.4)} />
                    <Tool
                      icon="minus"
                      name={t().graph.zoomOut}
                      shortcut="−"
                      onClick={() => controls()?.zoom(1 / 1.4)}
                    />
                    <Tool icon="actual" name={t().graph.actual} shortcut="0" onClick={() => controls()?.actual()} />
                    <Tool
                      icon="target"
                      name={t().graph.toSelection}
                      shortcut="C"
                      disabled={studio.selected() === null}
                      onClick={() => controls()?.toSelection()}
                    />
                    <Tool icon="fit" name={t().graph.fit} shortcut="F" onClick={() => controls()?.fit()} />
                  </div>
                </Show>
              )}
            </Match>
          </Switch>
        </div>
        <Show when={drawing()}>{now => <Inspector scene={now().scene} />}</Show>
      </div>
    </section>
  )
}
