// Samples one after the other, each given its class by one key or one click.
import { createResource, For, onMount, Show } from 'solid-js'
import type { ProjectView, DataView as SampleSet } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { csv } from '../state/csv.ts'
import { classOfKey, createLabelling, keyOfClass } from '../state/labelling.ts'
import type { Role } from '../state/project.ts'
import { save } from '../state/save.ts'
import { useStudio } from '../state/studio.ts'
import { Icon } from './icon.tsx'
import { Picture } from './picture.tsx'
import { SampleStepper } from './sample-stepper.tsx'
import './labelling.css'

const mostButtons = 36

export function Labelling(props: { project: ProjectView; role: Role; data: SampleSet; disabled: boolean }) {
  const { api, project } = useStudio()
  let section!: HTMLElement
  const labels = () => props.data.byHand ?? {}
  const labelling = createLabelling((sample, value) =>
    project.change(api.labelSample(props.project.id, props.role, sample, value)),
  )
  const at = () => Math.min(labelling.index(), props.data.size - 1)
  const [preview] = createResource(
    () => ({ id: props.project.id, role: props.role, index: at(), size: props.data.size }),
    async wanted => ({ ...wanted, result: await api.preview(wanted.id, wanted.role, wanted.index) }),
  )
  /** The sample in sight; null while it is on its way, so that no key means another. */
  const shown = () => {
    const known = preview.latest
    return known?.index === at() && known.result.ok ? known.result.value : null
  }
  const current = () => {
    const sample = shown()
    return sample ? (labels()[sample.name] ?? null) : null
  }
  const classes = (): number | null => {
    const shape = props.project.model.outputs[0]?.shape
    const last = shape?.at(-1)
    return typeof last === 'number' ? last : null
  }
  const buttons = () => Array.from({ length: Math.min(classes() ?? 10, mostButtons) }, (_, k) => k)
  const give = async (value: number | null): Promise<void> => {
    const sample = shown()
    if (!sample || props.disabled) return
    const given = await labelling.label(sample.name, current(), value)
    if (given && value !== null && at() < props.data.size - 1) labelling.setIndex(at() + 1)
  }
  const key = (event: KeyboardEvent) => {
    if (event.altKey) return
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== 'z' || event.shiftKey) return
      void labelling.undo()
    } else if (step !== 0) labelling.setIndex(Math.min(props.data.size - 1, Math.max(0, at() + step)))
    else if (event.key === 'Backspace') void give(null)
    else {
      const value = classOfKey(event.key, classes())
      if (value === null) return
      void give(value)
    }
    event.preventDefault()
  }
  // Once the first picture is there, keys mean classes at once.
  onMount(() => setTimeout(() => section.focus()))
  const file = () => csv(['file', 'label'], Object.entries(labels()))
  return (
    <section
      class="labelling"
      data-testid={`labelling-${props.role}`}
      aria-label={t().gather.labelTitle}
      ref={section}
      tabIndex={-1}
      onKeyDown={key}
    >
      <p class="soft small">{t().gather.labelAbout}</p>
      <div class="row apart">
        <SampleStepper index={at()} size={props.data.size} onChange={labelling.setIndex} />
        <span role="status" data-testid="labelled">
          {t().gather.labelled(
            format.whole(Object.keys(labels()).length, locale()),
            format.whole(props.data.size, locale()),
          )}
        </span>
      </div>
      <div class="sample">
        <Show when={shown()}>
          {sample => (
            <figure>
              <Show when={sample().original ?? sample().fed}>
                {pixels => <Picture pixels={pixels()} label={sample().name} />}
              </Show>
              <figcaption>
                <b data-testid="current-label">
                  {current() === null ? t().gather.none : t().gather.class(String(current()))}
                </b>
                <br />
                <span class="mono soft">{sample().name}</span>
              </figcaption>
            </figure>
          )}
        </Show>
      </div>
      <div class="classes">
        <For each={buttons()}>
          {value => (
            <button
              type="button"
              class="button"
              aria-pressed={current() === value}
              aria-label={t().gather.class(String(value))}
              disabled={props.disabled}
              onClick={() => void give(value)}
            >
              {value}
              <Show when={value > 9}>
                <kbd>{keyOfClass(value)}</kbd>
              </Show>
            </button>
          )}
        </For>
      </div>
      <div class="row">
        <button
          type="button"
          class="button"
          disabled={!labelling.undoable() || props.disabled}
          onClick={() => void labelling.undo()}
        >
          <Icon name="undo" />
          {t().gather.undo}
        </button>
        <button
          type="button"
          class="button"
          disabled={Object.keys(labels()).length === 0}
          onClick={() => void save('labels.csv', async () => new Blob([file()], { type: 'text/csv' }))}
        >
          <Icon name="save" />
          {t().gather.save}
        </button>
      </div>
    </section>
  )
}
