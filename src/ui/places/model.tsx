// What was opened: its figures, inputs and outputs with dimensions that can be fixed, notes, and the graph.
import { createSignal, For, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Dim } from '../../ir/model.ts'
import * as format from '../format.ts'
import { GraphPanel } from '../graph/graph-panel-lazy.tsx'
import { locale, t } from '../i18n/index.ts'
import { LintPanel } from '../parts/lint-panel.tsx'
import { MemoryPanel } from '../parts/memory-panel.tsx'
import { macsOf } from '../parts/readings.tsx'
import { Said } from '../parts/said.tsx'
import { Term } from '../parts/term.tsx'
import { setShape, shapeOf } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import './model.css'

function Shape(props: { project: ProjectView; input: string; shape: readonly Dim[] }) {
  const studio = useStudio()
  const fixed = () => shapeOf(props.project.recipe, props.input)
  // Dimensions typed so far: a shape goes into the recipe when all of it is known.
  const [typed, setTyped] = createSignal<ReadonlyMap<number, number>>(new Map())
  const set = (k: number, text: string) => {
    const wanted = Number(text)
    const next = new Map(typed())
    if (text.trim() !== '' && Number.isInteger(wanted) && wanted > 0) next.set(k, wanted)
    else next.delete(k)
    setTyped(next)
    const dims = props.shape.map((dim, at) => next.get(at) ?? (at === k ? dim : (fixed()?.[at] ?? dim)))
    const whole = dims.every(dim => typeof dim === 'number') ? (dims as number[]) : null
    if (whole || fixed()) void studio.project.editRecipe(recipe => setShape(recipe, props.input, whole))
  }
  return (
    <span class="dims">
      <For each={props.shape}>
        {(dim, k) => (
          <>
            <Show when={k() > 0}>
              <span class="soft">×</span>
            </Show>
            <Show when={typeof dim !== 'number'} fallback={<span>{dim}</span>}>
              <input
                class="dim"
                inputmode="numeric"
                aria-label={t().model.dimension(props.input, k())}
                placeholder={String(brief(dim) ?? '') || '?'}
                title={String(dim ?? '')}
                value={fixed()?.[k()] ?? typed().get(k()) ?? ''}
                disabled={props.project.readOnly}
                onChange={event => set(k(), event.currentTarget.value)}
              />
            </Show>
          </>
        )}
      </For>
    </span>
  )
}

/** Names that exporters made up are longer than what they say. */
const brief = (dim: Dim): Dim => (typeof dim === 'string' && dim.length > 10 ? '?' : dim)

function Values(props: {
  project: ProjectView
  title: string
  values: ProjectView['model']['inputs']
  freezable: boolean
}) {
  return (
    <div class="values scroll-x">
      <table class="table">
        <caption>{props.title}</caption>
        <thead>
          <tr>
            <th scope="col">{t().model.valueName}</th>
            <th scope="col">{t().model.dtype}</th>
            <th scope="col">{t().model.shape}</th>
          </tr>
        </thead>
        <tbody>
          <For each={props.values}>
            {value => (
              <tr>
                <td class="mono">{value.name}</td>
                <td>{value.dtype ?? t().unknown}</td>
                <td>
                  <Show
                    when={props.freezable && value.shape}
                    fallback={
                      <span title={format.shape(value.shape)}>{format.shape(value.shape?.map(brief) ?? null)}</span>
                    }
                  >
                    {shape => <Shape project={props.project} input={value.name} shape={shape()} />}
                  </Show>
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  )
}

export function ModelPlace(props: { project: ProjectView }) {
  const model = () => props.project.model
  const free = () => model().inputs.some(input => input.shape?.some(dim => typeof dim !== 'number'))
  const metadata = () => Object.entries(model().metadata)
  return (
    <div class="place wide model-place">
      <h1 class="unseen">{t().model.title}</h1>
      <dl class="figures">
        <div>
          <dt>{t().bytes}</dt>
          <dd>{format.bytes(model().bytes, locale())}</dd>
        </div>
        <div>
          <dt>{t().parameters}</dt>
          <dd>{format.count(model().parameters, locale())}</dd>
        </div>
        <div>
          <dt>
            <Term of="macs">{t().macs}</Term>
          </dt>
          <dd>{macsOf(props.project)}</dd>
        </div>
        <div>
          <dt>{t().model.nodes}</dt>
          <dd>{format.whole(model().nodes, locale())}</dd>
        </div>
        <div>
          <dt>{t().model.format}</dt>
          <dd>{model().format}</dd>
        </div>
        <div>
          <dt>{t().model.opset}</dt>
          <dd>{model().opset}</dd>
        </div>
      </dl>
      <div class="both">
        <Values project={props.project} title={t().model.inputs} values={model().inputs} freezable />
        <Values project={props.project} title={t().model.outputs} values={model().outputs} freezable={false} />
      </div>
      <Show when={free()}>
        <p class="soft small">{t().model.free}</p>
      </Show>
      <Show when={model().notes.length > 0}>
        <ul class="note" aria-label={t().model.notes}>
          <For each={model().notes}>
            {note => (
              <li>
                <Said words={note} />
              </li>
            )}
          </For>
        </ul>
      </Show>
      <LintPanel project={props.project} />
      <GraphPanel />
      <MemoryPanel project={props.project} model={null} />
      <Show when={metadata().length > 0}>
        <details>
          <summary>{t().model.metadata}</summary>
          <dl class="facts">
            <For each={metadata()}>
              {([key, text]) => (
                <>
                  <dt>{key}</dt>
                  <dd class="mono">{text}</dd>
                </>
              )}
            </For>
          </dl>
        </details>
      </Show>
    </div>
  )
}
