// A wish and a target make a recipe.
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { readNumber } from '../state/number-text.ts'
import { targetsOf } from '../state/recipe-edit.ts'
import { createSpeed } from '../state/speed.ts'
import { useStudio } from '../state/studio.ts'
import { planFor, planned, type Wish as Wished } from '../state/wish.ts'
import { ParsedField } from './field.tsx'
import './wish.css'

type Kind = Wished['kind']
const kinds: readonly Kind[] = ['bytes', 'loss', 'latency', 'fastest']

export function Wish(props: { project: ProjectView; disabled: boolean }) {
  const { catalogue, project } = useStudio()
  const words = () => t().charts.wish
  const [kind, setKind] = createSignal<Kind>('loss')
  const last = () => props.project.variants.at(-1)?.figures[0]?.before
  // Where one begins: a quarter of the size, half a point, four fifths of the time.
  const initial = (): Record<Kind, number> => ({
    bytes: Math.max(1, Math.round(props.project.model.bytes / 4000)),
    loss: 0.5,
    latency: Number((0.8 * (last()?.latencyMs?.median ?? 12.5)).toPrecision(2)),
    fastest: 0,
  })
  const [typed, setTyped] = createSignal<Partial<Record<Kind, number>>>({})
  const amount = () => typed()[kind()] ?? initial()[kind()]
  const [wantedTarget, setTarget] = createSignal<string | null>(null)
  const targets = () => catalogue()?.targets ?? []
  const target = () =>
    targets().find(({ id }) => id === (wantedTarget() ?? targetsOf(props.project.recipe)[0])) ?? targets()[0]
  const speed = createSpeed()
  const wish = (): Wished => {
    switch (kind()) {
      case 'bytes':
        return { kind: 'bytes', kilobytes: amount() }
      case 'loss':
        return { kind: 'loss', points: amount() }
      case 'latency':
        return { kind: 'latency', ms: amount() }
      case 'fastest':
        return { kind: 'fastest' }
    }
  }
  const plan = createMemo(() => {
    const chosen = target()
    const timed = speed()
    return chosen ? planFor(wish(), { parameters: props.project.model.parameters, target: chosen, speed: timed }) : null
  })
  const says = () => {
    const made = plan()
    if (!made) return []
    if (kind() === 'fastest') {
      if (made.slower === null) return [words().plan.untimed]
      const { layers, of } = made.slower
      return [layers === of ? words().plan.float : words().plan.slower(layers, of)]
    }
    return [
      ...(made.pruneTo === null ? [] : [words().plan.prune(format.percent(100 * made.pruneTo, 0, locale()))]),
      words().plan.search((made.formats ?? []).join(', ')),
    ]
  }
  const positive = (text: string) => {
    const value = readNumber(text)
    return value !== null && (value > 0 || (kind() === 'loss' && value === 0)) ? value : null
  }
  const unit = () => {
    const now = kind()
    return now === 'fastest' ? '' : words().unit[now]
  }
  return (
    <section class="wish" data-testid="wish" aria-label={words().title}>
      <div>
        <h2>{words().title}</h2>
        <p class="soft">{words().about}</p>
      </div>
      <div class="wish-fields">
        <label class="field">
          <span class="name">{words().kind}</span>
          <select
            data-testid="wish-kind"
            value={kind()}
            disabled={props.disabled}
            onChange={event => setKind(event.currentTarget.value as Kind)}
          >
            <For each={kinds}>
              {id => (
                <option value={id} selected={id === kind()}>
                  {words()[id]}
                </option>
              )}
            </For>
          </select>
        </label>
        <Show when={kind() !== 'fastest'}>
          <ParsedField
            name={`${words().amount}, ${unit()}`}
            text={String(amount())}
            parse={positive}
            numeric
            disabled={props.disabled}
            onChange={value => setTyped(now => ({ ...now, [kind()]: value }))}
          />
        </Show>
        <label class="field">
          <span class="name">{words().target}</span>
          <select
            data-testid="wish-target"
            value={target()?.id}
            disabled={props.disabled}
            onChange={event => setTarget(event.currentTarget.value)}
          >
            <For each={targets()}>
              {known => (
                <option value={known.id} selected={known.id === target()?.id}>
                  {inWords(known.label)}
                </option>
              )}
            </For>
          </select>
        </label>
        <button
          type="button"
          class="button first"
          data-testid="wish-write"
          disabled={props.disabled || plan() === null}
          onClick={() => void project.editRecipe(recipe => planned(recipe, plan()!))}
        >
          {words().write}
        </button>
      </div>
      <p class="soft small" data-testid="wish-plan">
        {says().join(' ')}
      </p>
    </section>
  )
}
