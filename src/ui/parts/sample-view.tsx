// One sample as it came and as the model is fed it, with the figures of what is fed.
import { createResource, createSignal, Show, Suspense } from 'solid-js'
import type { ProjectView, SamplePreview } from '../../../workers/api.ts'
import type { Label } from '../../ir/labels.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { ClassNames } from '../state/class-names.ts'
import { mapPicture, type Pixels } from '../state/map-pixels.ts'
import { masked } from '../state/mask-pixels.ts'
import type { Role } from '../state/project.ts'
import { useStudio } from '../state/studio.ts'
import { BoxPicture, type BoxSet, boxCount } from './box-picture.tsx'
import { Picture } from './picture.tsx'
import { ProblemNote } from './problem-note.tsx'
import { SampleStepper } from './sample-stepper.tsx'

/** The picture with what lies on it. */
function Labelled(props: { pixels: Pixels; name: string; label: Label | null }) {
  const boxes = () => (typeof props.label === 'object' && props.label?.kind === 'boxes' ? props.label.boxes : null)
  const mask = () => (typeof props.label === 'object' && props.label?.kind === 'mask' ? props.label : null)
  return (
    <Show
      when={boxes()}
      fallback={<Picture pixels={mask() ? masked(props.pixels, mask()!) : props.pixels} label={props.name} />}
    >
      {known => (
        <BoxPicture pixels={props.pixels} label={props.name} sets={[{ of: 'label', boxes: known() }]} asLabelled />
      )}
    </Show>
  )
}

function labelText(label: Label, { ofLabel }: ClassNames): string {
  if (typeof label === 'number') return ofLabel(label)
  if (typeof label !== 'object') return label
  return label.kind === 'boxes' ? boxCount(label.boxes.length) : t().tasks.mask
}

function Captioned(props: { pixels: Pixels; name: string; label?: Label | null }) {
  return (
    <figure>
      <Labelled pixels={props.pixels} name={props.name} label={props.label ?? null} />
      <figcaption class="soft small">
        {props.name} · {props.pixels.width} × {props.pixels.height}
      </figcaption>
    </figure>
  )
}

function Figures(props: { preview: SamplePreview }) {
  const { classes } = useStudio()
  const number = (value: number) => format.decimal(value, Math.abs(value) < 100 ? 3 : 1, locale())
  return (
    <dl class="facts">
      <dt>{t().model.valueName}</dt>
      <dd class="mono">{props.preview.name}</dd>
      <Show when={props.preview.label !== null}>
        <dt>{t().data.label}</dt>
        <dd>{labelText(props.preview.label!, classes())}</dd>
      </Show>
      <Show when={props.preview.fed}>
        {fed => (
          <>
            <dt>{t().data.min}</dt>
            <dd>{number(fed().min)}</dd>
            <dt>{t().data.max}</dt>
            <dd>{number(fed().max)}</dd>
            <dt>{t().data.meanOf}</dt>
            <dd>{number(fed().mean)}</dd>
          </>
        )}
      </Show>
    </dl>
  )
}

/**
 * One sample as the model is fed it, as it came where that is no picture, or its name; `bare` is without a caption, and has boxes
 * on it where there are some.
 */
export function SamplePicture(props: {
  project: ProjectView
  of: Role
  index: number
  bare?: boolean
  sets?: readonly BoxSet[] | null
}) {
  const { api } = useStudio()
  const [preview] = createResource(
    () => ({ id: props.project.id, role: props.of, index: props.index, input: props.project.input }),
    wanted => api.preview(wanted.id, wanted.role, wanted.index),
  )
  const shown = () => (preview.latest?.ok ? preview.latest.value : null)
  return (
    // Its own boundary: nothing else waits for a picture.
    <Suspense>
      <Show when={shown()}>
        {sample => (
          <Show
            when={sample().fed ?? sample().original ?? mapPicture(sample().map)}
            fallback={<p class="mono">{sample().name}</p>}
          >
            {pixels => (
              <Show when={props.bare} fallback={<Captioned pixels={pixels()} name={sample().name} />}>
                <Show when={props.sets} fallback={<Picture pixels={pixels()} label={sample().name} />}>
                  {sets => <BoxPicture pixels={pixels()} label={sample().name} sets={sets()} bare />}
                </Show>
              </Show>
            )}
          </Show>
        )}
      </Show>
    </Suspense>
  )
}

export function SampleView(props: { project: ProjectView; role: Role; size: number }) {
  const { api } = useStudio()
  const [index, setIndex] = createSignal(0)
  const at = () => Math.min(index(), props.size - 1)
  const [preview] = createResource(
    () => ({ id: props.project.id, role: props.role, index: at(), input: props.project.input, size: props.size }),
    wanted => api.preview(wanted.id, wanted.role, wanted.index),
  )
  const shown = () => {
    const result = preview.latest
    return result?.ok ? result.value : null
  }
  const problem = () => {
    const result = preview.latest
    return result && !result.ok ? result.error : null
  }
  return (
    <div class="sample-view">
      <SampleStepper index={at()} size={props.size} onChange={setIndex} />
      <Show when={problem()}>{error => <ProblemNote error={error()} />}</Show>
      <Show when={shown()}>
        {sample => (
          <div class="sample-both">
            <div class="pictures">
              <Show when={sample().original}>{pixels => <Captioned pixels={pixels()} name={t().data.original} />}</Show>
              <Show
                when={sample().fed}
                fallback={
                  <Show when={mapPicture(sample().map)} fallback={<p class="soft">{t().data.noPicture}</p>}>
                    {pixels => <Captioned pixels={pixels()} name={t().tasks.map} />}
                  </Show>
                }
              >
                {pixels => <Captioned pixels={pixels()} name={t().data.fed} label={sample().label} />}
              </Show>
            </div>
            <Figures preview={sample()} />
          </div>
        )}
      </Show>
    </div>
  )
}
