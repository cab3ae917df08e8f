// The two sets of samples, how they become what the model is fed, and a picture of just that.
import { createSignal, For, Show } from 'solid-js'
import type { ProjectView, DataView as SampleSet } from '../../../workers/api.ts'
import type { ImageInput, InputSpec, ResizeSpec } from '../../data/input-spec.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { ChoiceField, ParsedField } from '../parts/field.tsx'
import { FileButton } from '../parts/file-button.tsx'
import { Findings } from '../parts/findings.tsx'
import { Gather, takesPictures } from '../parts/gather.tsx'
import { Icon } from '../parts/icon.tsx'
import { SampleView } from '../parts/sample-view.tsx'
import { Segmented } from '../parts/segmented.tsx'
import { TaskForm } from '../parts/task-form.tsx'
import { Term } from '../parts/term.tsx'
import { firstResize, inputOf, noResize, numbers, setInputField } from '../state/input-edit.ts'
import { numberText, readNumber } from '../state/number-text.ts'
import type { Role } from '../state/project.ts'
import { useStudio } from '../state/studio.ts'
import './data.css'

function DataSet(props: { role: Role; data: SampleSet | null; project: ProjectView }) {
  const { project, run } = useStudio()
  const locked = () => props.project.readOnly || run.running() !== null || project.busy() !== null
  const add = (files: Parameters<typeof project.addData>[1]) => void project.addData(props.role, files)
  return (
    <section class="data-set" data-role={props.role} data-testid={`data-${props.role}`}>
      <h2>
        <Show when={props.role === 'calibration'} fallback={t().data.evaluation}>
          <Term of="calibration">{t().data.calibration}</Term>
        </Show>
      </h2>
      <p class="soft">{t().data[`${props.role}About`]}</p>
      <Show when={props.data} fallback={<p class="nothing">{t().data.noneYet}</p>}>
        {data => (
          <>
            <p>
              <strong>{t().data.samples(format.whole(data().size, locale()))}</strong>{' '}
              {t().data.labels[data().labels ?? 'none']}
              <br />
              <span class="mono soft">{data().name}</span>
            </p>
            <Findings skipped={data().skipped} suspicious={data().suspicious} />
          </>
        )}
      </Show>
      <Gather project={props.project} role={props.role} data={props.data} disabled={locked()}>
        <FileButton testid={`pick-${props.role}`} disabled={locked()} onFiles={add}>
          {t().data.add}
        </FileButton>
        <FileButton testid={`pick-${props.role}-folder`} folder disabled={locked()} onFiles={add}>
          <Icon name="folder" />
          {t().data.addFolder}
        </FileButton>
      </Gather>
    </section>
  )
}

function ResizeFields(props: { resize: ResizeSpec; disabled: boolean; onChange: (resize: ResizeSpec) => void }) {
  const set = (part: Partial<ResizeSpec>) => props.onChange({ ...props.resize, ...part })
  return (
    <>
      <ParsedField
        name={t().data.size}
        text={props.resize.size.join(' × ')}
        parse={text => {
          const size = numbers(text.replace(/[×x*]/g, ' '))
          return size?.length === 2 && size.every(n => Number.isInteger(n) && n > 0) ? (size as [number, number]) : null
        }}
        disabled={props.disabled}
        onChange={size => set({ size })}
      />
      <ChoiceField
        name={t().data.filter}
        value={props.resize.filter}
        choices={['bilinear', 'bicubic', 'area', 'nearest'] as const}
        disabled={props.disabled}
        onChange={filter => set({ filter })}
      />
      <ChoiceField
        name={t().data.like}
        value={props.resize.like}
        choices={['pil', 'opencv'] as const}
        label={like => (like === 'pil' ? 'PIL' : 'OpenCV')}
        disabled={props.disabled}
        onChange={like => set({ like })}
      />
    </>
  )
}

const shapeOf = ({ model }: ProjectView, name: string) =>
  model.inputs.find(value => name === '*' || value.name === name)?.shape ?? null

/** Whether an input may be of pixels: sounds, features and tokens are fed as they are. */
const ofPixels = (project: ProjectView, name: string): boolean => (shapeOf(project, name)?.length ?? 4) === 4

function InputForm(props: { project: ProjectView; name: string }) {
  const { project, run } = useStudio()
  const spec = () => props.project.input
  const input = () => inputOf(spec(), props.name, shape())
  const disabled = () => props.project.readOnly || run.running() !== null
  const apply = (next: InputSpec) => void project.setInput(next)
  const set = <K extends keyof ImageInput>(field: K, value: ImageInput[K]) =>
    apply(setInputField(spec(), props.name, field, value))
  const shape = () => shapeOf(props.project, props.name)
  const fits = ['none', 'exact', 'cover', 'letterbox', 'height'] as const
  const number = (field: 'scale' | 'pad') => (
    <ParsedField
      name={t().data[field]}
      text={numberText(input()[field])}
      parse={readNumber}
      numeric
      disabled={disabled()}
      onChange={value => set(field, value)}
    />
  )
  const list = (field: 'mean' | 'std') => (
    <ParsedField
      name={t().data[field]}
      text={input()[field].map(numberText).join(', ')}
      parse={numbers}
      disabled={disabled()}
      onChange={value => set(field, value)}
    />
  )
  return (
    <div class="fields input-form">
      <Show when={ofPixels(props.project, props.name)}>
        <ChoiceField
          name={t().data.layout}
          value={input().layout}
          choices={['NCHW', 'NHWC'] as const}
          disabled={disabled()}
          onChange={layout => set('layout', layout)}
        />
        <ChoiceField
          name={t().data.color}
          value={input().color}
          choices={['RGB', 'BGR', 'GRAY'] as const}
          disabled={disabled()}
          onChange={color => set('color', color)}
        />
        {number('scale')}
        {list('mean')}
        {list('std')}
        <ChoiceField
          name={t().data.fit}
          value={input().resize?.fit ?? 'none'}
          choices={fits}
          label={fit => (fit === 'none' ? t().data.noResize : t().data.fits[fit])}
          disabled={disabled()}
          onChange={fit =>
            fit === 'none'
              ? apply(noResize(spec(), props.name))
              : set('resize', { ...(input().resize ?? firstResize(shape(), input().layout)), fit })
          }
        />
        <Show when={input().resize}>
          {resize => <ResizeFields resize={resize()} disabled={disabled()} onChange={value => set('resize', value)} />}
        </Show>
        {number('pad')}
      </Show>
      <ParsedField
        name={t().data.labelOffset}
        text={String(spec().labelOffset ?? 0)}
        parse={readNumber}
        numeric
        disabled={disabled()}
        onChange={labelOffset => apply({ ...spec(), labelOffset })}
      />
    </div>
  )
}

export function DataPlace(props: { project: ProjectView }) {
  const studio = useStudio()
  const [role, setRole] = createSignal<Role>('calibration')
  const names = () => {
    const named = Object.keys(props.project.input.inputs)
    return named.length > 0 ? named : ['*']
  }
  const [chosen, setChosen] = createSignal<string | null>(null)
  const name = () => names().find(known => known === chosen()) ?? names()[0]
  const proposed = () => props.project.inputProposed && ofPixels(props.project, name())
  const shown = (): Role => (props.project[role()] ? role() : role() === 'calibration' ? 'evaluation' : 'calibration')
  return (
    <div class="place data-place">
      <h1>{t().data.title}</h1>
      <div class="data-sets">
        <For each={['calibration', 'evaluation'] as const}>
          {which => <DataSet role={which} data={props.project[which]} project={props.project} />}
        </For>
      </div>
      <p class="soft small">
        {t().data.formats}
        {takesPictures(props.project) ? ` · ${t().gather.paste}` : ''}
      </p>
      <section class="section">
        <div>
          <h2 class="row">
            {t().data.input}
            <Show when={proposed()}>
              <span class="badge" data-testid="input-proposed">
                {t().data.proposed}
              </span>
            </Show>
          </h2>
          <p class="soft">{ofPixels(props.project, name()) ? t().data.inputAbout : t().data.asTheyAre}</p>
          <Show when={proposed()}>
            <p class="row">
              <span class="warn">{t().data.proposedAbout}</span>
              <button
                type="button"
                class="button"
                disabled={props.project.readOnly}
                onClick={() => void studio.project.setInput(props.project.input)}
              >
                {t().data.confirm}
              </button>
            </p>
          </Show>
        </div>
        <Show when={names().length > 1}>
          <ChoiceField
            name={t().data.of}
            value={name()}
            choices={names()}
            label={known => (known === '*' ? t().data.all : known)}
            onChange={setChosen}
          />
        </Show>
        <div class="feeding">
          <InputForm project={props.project} name={name()} />
          <div class="section">
            <div class="row apart">
              <h3>{t().data.preview}</h3>
              <Show when={props.project.calibration && props.project.evaluation}>
                <Segmented<Role>
                  label={t().data.title}
                  value={role()}
                  choices={[
                    { value: 'calibration', label: t().data.calibration },
                    { value: 'evaluation', label: t().data.evaluation },
                  ]}
                  onChange={setRole}
                />
              </Show>
            </div>
            <Show when={props.project[shown()]} fallback={<p class="soft">{t().data.needData}</p>}>
              {data => <SampleView project={props.project} role={shown()} size={data().size} />}
            </Show>
          </div>
        </div>
      </section>
      <section class="section">
        <div>
          <h2 class="row">
            {t().tasks.title}
            <Show when={props.project.inputProposed || !props.project.input.task}>
              <span class="badge">{t().data.proposed}</span>
            </Show>
          </h2>
          <p class="soft">{t().tasks.about}</p>
        </div>
        <TaskForm project={props.project} disabled={props.project.readOnly || studio.run.running() !== null} />
      </section>
    </div>
  )
}
