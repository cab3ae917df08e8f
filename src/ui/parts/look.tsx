// Two models on one sample: the input, or what both give at a layer, under one slider; and their answers beside each other.
import { createEffect, createMemo, createResource, createSignal, For, on, Show, Suspense } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Beside } from '../../jobs/beside.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { difference, mapPicture, pictures } from '../state/map-pixels.ts'
import type { Role } from '../state/project.ts'
import { type Compared, modelOf } from '../state/sides.ts'
import { useStudio } from '../state/studio.ts'
import { BothAnswers } from './both-answers.tsx'
import { Field } from './field.tsx'
import { Picture } from './picture.tsx'
import { ProblemNote } from './problem-note.tsx'
import { SampleStepper } from './sample-stepper.tsx'
import { Segmented } from './segmented.tsx'
import { Slider } from './slider.tsx'
import './look.css'

type Maps = NonNullable<Beside['maps']>

const figure = (value: number): string => format.decimal(value, Math.abs(value) < 10 ? 4 : 2, locale())

function MapSlider(props: { maps: Maps; channel: number | null; names: readonly [string, string] }) {
  const both = createMemo(() => pictures(props.maps, props.channel))
  return (
    <Slider left={both().left} right={both().right} names={props.names}>
      <p class="map-key small soft">
        <span>{figure(both().low)}</span>
        <span class="ramp" aria-hidden="true" />
        <span>{figure(both().high)}</span>
      </p>
    </Slider>
  )
}

function Difference(props: { maps: Maps; channel: number | null }) {
  const change = createMemo(() => difference(props.maps, props.channel))
  return (
    <figure class="slider">
      <div class="stack">
        <Picture pixels={change().pixels} label={t().look.difference} />
      </div>
      <figcaption class="map-key diverging small soft">
        <span>−{figure(change().most)}</span>
        <span class="ramp" aria-hidden="true" />
        <span>+{figure(change().most)}</span>
      </figcaption>
    </figure>
  )
}

function MapView(props: { maps: Maps; names: readonly [string, string] }) {
  const [channel, setChannel] = createSignal<number | null>(null)
  const [form, setForm] = createSignal<'slider' | 'difference'>('slider')
  const count = () => props.maps[0].channels
  const at = () => {
    const wanted = channel()
    return wanted === null || wanted >= count() ? null : wanted
  }
  return (
    <>
      <div class="row">
        <Segmented
          label={t().look.what}
          value={form()}
          choices={[
            { value: 'slider' as const, label: t().look.slider },
            { value: 'difference' as const, label: t().look.difference },
          ]}
          onChange={setForm}
        />
        <Show when={count() > 1}>
          <label class="row">
            <span class="soft">{t().look.channel}</span>
            <select
              data-testid="channel"
              value={at() ?? ''}
              onChange={event =>
                setChannel(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))
              }
            >
              <option value="">{t().look.mean}</option>
              <For each={Array.from({ length: count() }, (_, k) => k)}>
                {k => (
                  <option value={k} selected={k === at()}>
                    {t().look.channelOf(format.whole(k + 1, locale()), format.whole(count(), locale()))}
                  </option>
                )}
              </For>
            </select>
          </label>
        </Show>
      </div>
      <Show when={form() === 'slider'} fallback={<Difference maps={props.maps} channel={at()} />}>
        <MapSlider maps={props.maps} channel={at()} names={props.names} />
      </Show>
    </>
  )
}

const shownClasses = 5

function Scores(props: { scores: NonNullable<Beside['scores']>; names: readonly [string, string] }) {
  const { classes } = useStudio()
  const rows = () => {
    const [a, b] = props.scores
    const best = (scores: Float32Array) =>
      [...scores.keys()].sort((x, y) => scores[y] - scores[x]).slice(0, shownClasses)
    return [...new Set([...best(a), ...best(b)])]
      .sort((x, y) => Math.max(a[y], b[y]) - Math.max(a[x], b[x]))
      .map(id => ({ id, before: a[id], after: b[id] }))
  }
  return (
    <table class="table" data-testid="scores">
      <caption class="unseen">{t().look.scores}</caption>
      <thead>
        <tr>
          <th scope="col">{t().look.class}</th>
          <th scope="col" class="figure">
            {props.names[0]}
          </th>
          <th scope="col" class="figure">
            {props.names[1]}
          </th>
          <th scope="col" class="figure">
            {t().change}
          </th>
        </tr>
      </thead>
      <tbody>
        <For each={rows()}>
          {row => (
            <tr>
              <th scope="row">{classes().ofAnswer(row.id)}</th>
              <td class="figure">{format.decimal(row.before, 3, locale())}</td>
              <td class="figure">
                <b>{format.decimal(row.after, 3, locale())}</b>
              </td>
              <td class="figure soft">{format.signed(row.after - row.before, 3, locale())}</td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  )
}

export function Look(props: { project: ProjectView; sides: readonly [Compared, Compared] }) {
  const { api, selected } = useStudio()
  const role = (): Role | null =>
    props.project.evaluation ? 'evaluation' : props.project.calibration ? 'calibration' : null
  const size = () => (role() ? props.project[role()!]!.size : 0)
  const [index, setIndex] = createSignal(0)
  const [value, setValue] = createSignal<string | null>(null)
  const at = () => Math.min(index(), size() - 1)
  const models = createMemo(() => JSON.stringify([props.project.id, ...props.sides.map(modelOf)]))
  const names = (): readonly [string, string] => [props.sides[0].name, props.sides[1].name]
  const [shared] = createResource(models, text => {
    const [id, a, b] = JSON.parse(text)
    return api.sharedValues(id, [a, b])
  })
  const layers = () => (shared.latest?.ok ? shared.latest.value : [])
  const shownValue = () => layers().find(layer => layer.value === value())?.value ?? null
  // What is selected in graph or table is what one wants to see here.
  createEffect(
    on([selected, layers], ([node, known]) => {
      const layer = known.find(entry => entry.node === node)
      if (layer) setValue(layer.value)
    }),
  )
  const [ran] = createResource(
    () => (role() ? JSON.stringify([models(), role(), at(), shownValue(), props.project.input]) : null),
    async key => {
      const [text, of, k, wanted] = JSON.parse(key)
      const [id, a, b] = JSON.parse(text)
      const [beside, preview] = await Promise.all([api.beside(id, [a, b], of, k, wanted), api.preview(id, of, k)])
      return { beside, preview, wanted: wanted as string | null }
    },
  )
  const done = () => (ran.latest?.beside.ok ? { ...ran.latest, beside: ran.latest.beside.value } : null)
  const problem = () => {
    const last = ran.latest
    return last && !last.beside.ok ? last.beside.error : null
  }
  const fed = () => {
    const preview = ran.latest?.preview
    return preview?.ok ? (preview.value.fed ?? preview.value.original ?? mapPicture(preview.value.map)) : null
  }
  // Answers that lie on the picture take its place.
  const onInput = () => {
    const answer = done()?.beside.answers?.before
    return (
      done()?.wanted === null &&
      fed() !== null &&
      answer != null &&
      typeof answer === 'object' &&
      answer.kind !== 'vector'
    )
  }
  const answersView = () => (
    <Show when={done()?.beside.answers}>
      {answers => <BothAnswers answers={answers()} picture={fed()} names={names()} />}
    </Show>
  )
  return (
    <section class="section" data-testid="look" aria-busy={ran.loading}>
      <div>
        <h2>{t().look.title}</h2>
        <p class="soft">{t().look.about}</p>
      </div>
      <Show when={role()} fallback={<p class="soft">{t().look.noData}</p>}>
        <Suspense fallback={<p class="soft">{t().look.running}…</p>}>
          <div class="row look-tools">
            <SampleStepper index={at()} size={size()} onChange={setIndex} />
            <Field name={t().look.what}>
              <select
                data-testid="look-at"
                value={shownValue() ?? ''}
                onChange={event => setValue(event.currentTarget.value || null)}
              >
                <option value="">{t().look.input}</option>
                <For each={layers()}>
                  {layer => (
                    <option value={layer.value} selected={layer.value === shownValue()}>
                      {t().look.layer(layer.node, layer.op)}
                    </option>
                  )}
                </For>
              </select>
            </Field>
            <span class="soft small">{t().look.shared(format.whole(layers().length, locale()))}</span>
          </div>
          <Show when={problem()}>{error => <ProblemNote error={error()} />}</Show>
          <Show when={done()}>
            {known => (
              <div class="look-both">
                <div class="section">
                  <Show
                    when={known().wanted !== null}
                    fallback={
                      <Show when={!onInput()} fallback={answersView()}>
                        <Show when={fed()} fallback={<p class="soft">{t().data.noPicture}</p>}>
                          {pixels => (
                            <figure class="slider">
                              <div class="stack">
                                <Picture pixels={pixels()} label={t().look.input} />
                              </div>
                            </figure>
                          )}
                        </Show>
                      </Show>
                    }
                  >
                    <Show when={known().beside.maps} fallback={<p class="soft">{t().look.noMap}</p>}>
                      {maps => <MapView maps={maps()} names={names()} />}
                    </Show>
                  </Show>
                  <Show when={known().beside.difference}>
                    {apart => (
                      <p class="soft small" data-testid="apart">
                        {t().look.apart(format.decibel(apart().sqnrDb, locale()), figure(apart().maxAbs))}
                      </p>
                    )}
                  </Show>
                </div>
                <div class="section">
                  <Show when={!onInput()}>{answersView()}</Show>
                  <Show when={known().beside.scores}>{scores => <Scores scores={scores()} names={names()} />}</Show>
                </div>
              </div>
            )}
          </Show>
        </Suspense>
      </Show>
    </section>
  )
}
