// What a person can do with a set of samples besides choosing files: take pictures, and label those that are there.
import { createSignal, type JSX, lazy, Show, Suspense } from 'solid-js'
import type { ProjectView, DataView as SampleSet } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { pointsAround } from '../state/labelling.ts'
import type { Role } from '../state/project.ts'
import { useStudio } from '../state/studio.ts'
import { waveformLength } from '../state/waveform.ts'

const Camera = lazy(async () => ({ default: (await import('./camera.tsx')).Camera }))
const Microphone = lazy(async () => ({ default: (await import('./microphone.tsx')).Microphone }))
const Labelling = lazy(async () => ({ default: (await import('./labelling.tsx')).Labelling }))

const calibrationSamples = 128

/** Whether the model takes one picture: nothing else can come from a camera or the clipboard. */
export const takesPictures = ({ model }: ProjectView): boolean =>
  model.inputs.length === 1 && model.inputs[0].shape?.length === 4

export function Gather(props: {
  project: ProjectView
  role: Role
  data: SampleSet | null
  disabled: boolean
  children: JSX.Element
}) {
  const { project } = useStudio()
  const [camera, setCamera] = createSignal(false)
  const [sound, setSound] = createSignal(false)
  const length = () => (props.data === null || props.data.recorded ? waveformLength(props.project.model) : null)
  const [labelling, setLabelling] = createSignal(false)
  const canJoin = () => takesPictures(props.project) && (props.data === null || props.data.loose)
  const canLabel = () => props.data?.loose && (props.data.labels === null || props.data.byHand !== null)
  const enough = () => {
    const size = props.data?.size ?? 0
    if (size === 0) return null
    if (props.role === 'calibration') return t().gather.enough.calibration(format.whole(calibrationSamples, locale()))
    return t().gather.enough.evaluation(format.whole(size, locale()), format.decimal(pointsAround(size), 1, locale()))
  }
  return (
    <>
      <Show when={enough()}>{words => <p class="soft small">{words()}</p>}</Show>
      <div class="row">
        {props.children}
        <Show when={canJoin()}>
          <button
            type="button"
            class="button"
            data-testid={`camera-${props.role}`}
            disabled={props.disabled}
            onClick={() => setCamera(true)}
          >
            {t().gather.camera}
          </button>
        </Show>
        <Show when={length()}>
          <button
            type="button"
            class="button"
            data-testid={`microphone-${props.role}`}
            disabled={props.disabled}
            onClick={() => setSound(true)}
          >
            {t().gather.microphone}
          </button>
        </Show>
        <Show when={canLabel()}>
          <button
            type="button"
            class="button"
            aria-expanded={labelling()}
            data-testid={`label-${props.role}`}
            onClick={() => setLabelling(!labelling())}
          >
            {t().gather.label}
          </button>
        </Show>
      </div>
      <Show when={sound() && length()}>
        {values => (
          <Suspense>
            <Microphone
              length={values()}
              onDone={recorded => {
                setSound(false)
                if (recorded) void project.addSound(props.role, recorded)
              }}
            />
          </Suspense>
        )}
      </Show>
      <Show when={camera()}>
        <Suspense>
          <Camera
            onDone={pictures => {
              setCamera(false)
              void project.addPictures(props.role, pictures)
            }}
          />
        </Suspense>
      </Show>
      <Show when={labelling() && canLabel()}>
        <Suspense>
          <Labelling project={props.project} role={props.role} data={props.data!} disabled={props.disabled} />
        </Suspense>
      </Show>
    </>
  )
}
