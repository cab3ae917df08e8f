// One sample as it came and as the model is fed it, with the figures of what is fed.
import { createEffect, createResource, createSignal, Show } from 'solid-js'
import type { ProjectView, SamplePreview } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { Role } from '../state/project.ts'
import { useStudio } from '../state/studio.ts'
import { Icon } from './icon.tsx'
import { Said } from './said.tsx'

interface Pixels {
  width: number
  height: number
  rgba: Uint8ClampedArray
}

function Picture(props: { pixels: Pixels; name: string }) {
  let canvas!: HTMLCanvasElement
  createEffect(() => {
    const { width, height, rgba } = props.pixels
    canvas.width = width
    canvas.height = height
    canvas.getContext('2d')!.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0)
  })
  return (
    <figure>
      <canvas ref={canvas} role="img" aria-label={props.name} classList={{ pixelated: props.pixels.width < 200 }} />
      <figcaption class="soft small">
        {props.name} · {props.pixels.width} × {props.pixels.height}
      </figcaption>
    </figure>
  )
}

function Figures(props: { preview: SamplePreview }) {
  const number = (value: number) => format.decimal(value, Math.abs(value) < 100 ? 3 : 1, locale())
  return (
    <dl class="facts">
      <dt>{t().model.valueName}</dt>
      <dd class="mono">{props.preview.name}</dd>
      <Show when={props.preview.label !== null}>
        <dt>{t().data.label}</dt>
        <dd>{props.preview.label}</dd>
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

/** One sample as the model is fed it, as it came where that is no picture, or its name. */
export function SamplePicture(props: { project: ProjectView; of: Role; index: number }) {
  const { api } = useStudio()
  const [preview] = createResource(
    () => ({ id: props.project.id, role: props.of, index: props.index, input: props.project.input }),
    wanted => api.preview(wanted.id, wanted.role, wanted.index),
  )
  const shown = () => (preview.latest?.ok ? preview.latest.value : null)
  return (
    <Show when={shown()}>
      {sample => (
        <Show when={sample().fed ?? sample().original} fallback={<p class="mono">{sample().name}</p>}>
          {pixels => <Picture pixels={pixels()} name={sample().name} />}
        </Show>
      )}
    </Show>
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
      <div class="row">
        <button
          type="button"
          class="button icon"
          aria-label={t().data.previous}
          disabled={at() === 0}
          onClick={() => setIndex(at() - 1)}
        >
          <Icon name="left" />
        </button>
        <span>{t().data.sampleOf(format.whole(at() + 1, locale()), format.whole(props.size, locale()))}</span>
        <button
          type="button"
          class="button icon"
          aria-label={t().data.next}
          disabled={at() >= props.size - 1}
          onClick={() => setIndex(at() + 1)}
        >
          <Icon name="right" />
        </button>
      </div>
      <Show when={problem()}>
        {error => (
          <p class="note bad-note">
            <Said words={error().message} /> <Said words={error().hint} />
          </p>
        )}
      </Show>
      <Show when={shown()}>
        {sample => (
          <div class="sample-both">
            <div class="pictures">
              <Show when={sample().original}>{pixels => <Picture pixels={pixels()} name={t().data.original} />}</Show>
              <Show when={sample().fed} fallback={<p class="soft">{t().data.noPicture}</p>}>
                {pixels => <Picture pixels={pixels()} name={t().data.fed} />}
              </Show>
            </div>
            <Figures preview={sample()} />
          </div>
        )}
      </Show>
    </div>
  )
}
