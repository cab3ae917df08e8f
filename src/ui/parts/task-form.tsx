// The task in the data place: what kind of answers the outputs are, and the settings by which they are read.
import { createMemo, For, Show } from 'solid-js'
import type { ProjectView, ShownOption } from '../../../workers/api.ts'
import type { TaskSpec } from '../../data/input-spec.ts'
import { inWords, t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'
import { ChoiceField } from './field.tsx'
import { OptionControl } from './step-options.tsx'

// Settings that name an output of the model.
const outputNames = new Set(['output', 'boxes', 'scores', 'classes', 'sizes', 'offsets'])
const kinds = ['classify', 'ctc', 'detect', 'segment', 'embed'] as const

export function TaskForm(props: { project: ProjectView; disabled: boolean }) {
  const { project, catalogue } = useStudio()
  // Projects of earlier versions do not know what their model looks like.
  const proposed = () => props.project.model.task ?? null
  const task = (): TaskSpec | null => props.project.input.task ?? proposed()
  const apply = (next: TaskSpec) => void project.setInput({ ...props.project.input, task: next })
  const choose = (kind: TaskSpec['kind']) => apply(kind === proposed()?.kind ? proposed()! : { kind })
  const set = (key: string, value: unknown, initial: unknown) => {
    const { [key]: _, ...rest } = task()!
    apply({ ...(rest as TaskSpec), ...(value === initial ? {} : { [key]: value }) })
  }
  const decoder = () => {
    const id = task()?.decoder ?? proposed()?.decoder
    return catalogue()?.decoders.find(known => known.id === id)
  }
  const options = createMemo((): [string, ShownOption][] => {
    const declared = catalogue()?.tasks.find(known => known.id === task()?.kind)?.options ?? {}
    const uses = decoder()?.uses
    return Object.entries(declared).filter(
      ([name]) =>
        task()?.kind !== 'detect' ||
        (name !== 'decoder' && (uses === undefined || uses.includes(name) || name === 'score')),
    )
  })
  const outputs = () => props.project.model.outputs.map(({ name }) => name)
  const control = ([name, option]: [string, ShownOption]) => (
    <Show
      when={outputNames.has(name)}
      fallback={<OptionControl name={name} option={option} step={task()!} disabled={props.disabled} onChange={set} />}
    >
      <ChoiceField
        name={inWords(option.label)}
        value={String(task()?.[name] ?? '')}
        choices={['', ...outputs()]}
        label={output => output || (name === 'output' ? t().tasks.byItself : t().tasks.notChosen)}
        disabled={props.disabled}
        onChange={output => set(name, output || null, null)}
      />
    </Show>
  )
  return (
    <div class="fields" data-testid="task-form">
      <ChoiceField
        name={t().tasks.task}
        testid="task-kind"
        value={task()?.kind ?? ''}
        choices={[...(task() ? [] : ['' as const]), ...kinds]}
        label={kind => (kind === '' ? t().tasks.notKnown : t().tasks.kind[kind])}
        disabled={props.disabled}
        onChange={kind => kind !== '' && choose(kind)}
      />
      <Show when={task()?.kind === 'detect' && catalogue()}>
        {known => (
          <div class="wide">
            <ChoiceField
              name={t().tasks.decoder}
              testid="task-decoder"
              value={decoder()?.id ?? ''}
              choices={[...(decoder() ? [] : ['']), ...known().decoders.map(({ id }) => id)]}
              label={id => inWords(known().decoders.find(one => one.id === id)?.label ?? t().tasks.notChosen)}
              disabled={props.disabled}
              onChange={id => id && apply(id === proposed()?.decoder ? proposed()! : { kind: 'detect', decoder: id })}
            />
          </div>
        )}
      </Show>
      <For each={options()}>{control}</For>
    </div>
  )
}
