// What can be looked at and changed of one layer: its settings and what others give, its activations with their range, its weights.
import { createEffect, createMemo, createSignal, on, onCleanup, Show } from 'solid-js'
import type { LayerView, LookedInto } from '../../../workers/api.ts'
import type { LayerReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import type { Scene } from '../graph/scene.ts'
import { locale, t } from '../i18n/index.ts'
import { createAsked } from '../state/asked.ts'
import { createLayerTrial } from '../state/layer-trial.ts'
import { quantizes } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { LayerChannels } from './layer-channels.tsx'
import { LayerFacts } from './layer-facts.tsx'
import { type Counting, LayerHistogram } from './layer-histogram.tsx'
import { LayerNeighbours } from './layer-neighbours.tsx'
import { LayerOutput } from './layer-output.tsx'
import { LayerSettings } from './layer-settings.tsx'
import { LayerTried } from './layer-tried.tsx'
import { ProblemNote } from './problem-note.tsx'
import { Segmented } from './segmented.tsx'
import './layer.css'

const [counting, setCounting] = createSignal<Counting>('log')

function Weights(props: { weights: NonNullable<LayerView['weights']> }) {
  const share = () => props.weights.zeros / props.weights.count
  return (
    <section class="section" data-testid="layer-weights">
      <h3>{t().layer.weightsTitle}</h3>
      <LayerHistogram
        label={t().layer.histogramOf(props.weights.value, format.whole(props.weights.count, locale()))}
        bins={props.weights.bins}
        counting={counting()}
      />
      <Show when={share() > 0.01}>
        <p class="soft small">{t().layer.someZero(format.percent(100 * share(), 1, locale()))}</p>
      </Show>
      <Show when={props.weights.channels}>{channels => <LayerChannels channels={channels()} />}</Show>
    </section>
  )
}

export function LayerPage(props: { scene: Scene; at: number; layer: LayerReport | undefined }) {
  const { api, project, variants, bundleIndex, run } = useStudio()
  const item = () => props.scene.nodes[props.at]
  const node = () => item().node!
  const names = () => [node().id, ...node().origin]
  const selector = () => node().origin[0] ?? node().id
  const trial = createLayerTrial(api, () => project.view()?.id)
  onCleanup(trial.clear)

  const of = createMemo<LookedInto | null>(
    () => {
      const variant = variants.variant()
      return variant && quantizes(variant.recipe) && run.running() === null
        ? { variant: variant.id, bundle: Math.min(bundleIndex(), variant.figures.length - 1), device: run.device() }
        : null
    },
    null,
    { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  )
  // What was tried with another recipe says nothing of this one.
  createEffect(
    on(
      () => project.view()?.recipe,
      recipe => {
        if (JSON.stringify(trial.tried()?.recipe) !== JSON.stringify(recipe)) trial.clear()
      },
      { defer: true },
    ),
  )
  const asked = createAsked<LayerView>(
    () => (run.running() === null ? JSON.stringify([project.view()!.id, of(), names()]) : null),
    key => {
      const [id, into, called] = JSON.parse(key) as [string, LookedInto | null, string[]]
      return api.layer(id, into, called)
    },
  )
  const before = () => props.scene.before[props.at].map(k => props.scene.nodes[k])
  return (
    <>
      <LayerFacts
        item={item()}
        before={before()}
        weightShape={asked.value()?.weights?.shape ?? null}
        layer={props.layer}
      />
      <Show when={asked.error()}>{error => <ProblemNote error={error()} />}</Show>
      <Show when={quantizes(project.view()!.recipe)}>
        <LayerSettings of={of()} selector={selector()} view={asked.value()} weights={node().bytes > 0} trial={trial} />
        <LayerTried trial={trial} />
      </Show>
      <section class="section" data-testid="layer-output">
        <div class="row apart">
          <h3>{t().layer.outputTitle}</h3>
          <Segmented<Counting>
            label={t().layer.counts}
            value={counting()}
            choices={[
              { value: 'linear', label: t().layer.linear },
              { value: 'log', label: t().layer.log },
            ]}
            onChange={setCounting}
          />
        </div>
        <Show when={of()} fallback={<p class="soft small">{t().layer.noResult}</p>}>
          {into => (
            // What keeps the result from being opened is said above.
            <Show when={!asked.error()}>
              <LayerOutput
                of={into()}
                names={names()}
                localDb={props.layer?.sqnrDb ?? null}
                counting={counting()}
                trial={trial}
              />
            </Show>
          )}
        </Show>
      </section>
      <Show when={asked.value()?.weights}>{weights => <Weights weights={weights()} />}</Show>
      <LayerNeighbours scene={props.scene} at={props.at} />
    </>
  )
}
