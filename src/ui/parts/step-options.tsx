// The controls of one step, made from the options that its own file declares.
import { createMemo, createSignal, For, Match, Show, Switch, untrack } from 'solid-js'
import type { Catalogue, ShownOption } from '../../../workers/api.ts'
import type { ChoiceOption, NumberOption, SeveralOption } from '../../base/options.ts'
import type { Step } from '../../recipe/types.ts'
import { inWords, t } from '../i18n/index.ts'
import { readNumber } from '../state/number-text.ts'
import { fieldsOf, type LayerFields, type LayerSetting, settingOf, withLayers } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { ChoiceField, Field, ParsedField } from './field.tsx'
import { Icon } from './icon.tsx'

interface Control {
  name: string
  value: unknown
  disabled: boolean
  onChange: (value: unknown) => void
}

function NumberControl(props: Control & { option: NumberOption }) {
  const within = (text: string) => {
    const value = readNumber(text)
    return value !== null && value >= props.option.min && value <= props.option.max ? value : null
  }
  return (
    <ParsedField
      name={props.name}
      text={props.value === undefined || props.value === null ? '' : String(props.value)}
      parse={within}
      numeric
      disabled={props.disabled}
      onChange={props.onChange}
    />
  )
}

/** Values without a control of their own are edited as JSON; the worker checks what they hold. */
function ValueControl(props: Control) {
  const parse = (text: string): { value: unknown } | null => {
    try {
      return { value: JSON.parse(text) }
    } catch {
      return null
    }
  }
  return (
    <ParsedField
      name={props.name}
      text={JSON.stringify(props.value)}
      parse={parse}
      disabled={props.disabled}
      onChange={read => props.onChange(read.value)}
    />
  )
}

/** Any number of named things, each with a box to tick. */
function SeveralControl(props: Control & { option: SeveralOption }) {
  const chosen = () => (props.value ?? []) as readonly string[]
  const toggle = (id: string, on: boolean) => {
    const ids = props.option.choices.map(c => c.id)
    props.onChange(ids.filter(known => (known === id ? on : chosen().includes(known))))
  }
  return (
    <fieldset class="several-control">
      <legend class="name soft small">{props.name}</legend>
      <For each={props.option.choices}>
        {({ id, label }) => (
          <label class="row">
            <input
              type="checkbox"
              checked={chosen().includes(id)}
              disabled={props.disabled}
              onChange={event => toggle(id, event.currentTarget.checked)}
            />
            <span>{inWords(label)}</span>
          </label>
        )}
      </For>
    </fieldset>
  )
}

const settings: readonly LayerSetting[] = ['float', 'int7']

function LayersControl(props: Control) {
  const { graphs } = useStudio()
  const [selector, setSelector] = createSignal('')
  const rows = createMemo(() => Object.entries((props.value ?? {}) as Record<string, LayerFields>))
  const settingName = (setting: LayerSetting) =>
    setting === 'float' ? t().recipe.float : setting === 'int7' ? t().graph.sevenBit : t().recipe.other
  const set = (name: string, fields: LayerFields | null) => {
    const { [name]: _, ...rest } = props.value as Record<string, LayerFields>
    props.onChange(fields ? { ...rest, [name]: fields } : rest)
  }
  const add = () => {
    if (selector().trim()) set(selector().trim(), { float: true })
    setSelector('')
  }
  const known = () => {
    const scene = graphs.drawing.latest?.scene
    const ops = new Set(scene?.nodes.flatMap(item => (item.kind === 'node' ? [`op:${item.op}`] : [])))
    return ['first', 'last', ...ops, ...(scene?.nodes.flatMap(item => (item.kind === 'node' ? [item.name] : [])) ?? [])]
  }
  return (
    <div class="layers-control">
      <span class="name soft small">{props.name}</span>
      <Show when={rows().length > 0}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t().recipe.selector}</th>
              <th scope="col">{t().recipe.setting}</th>
              <th scope="col">
                <span class="unseen">{t().remove}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={rows()}>
              {([name, fields]) => (
                <tr>
                  <td class="mono">{name}</td>
                  <td>
                    <Show
                      when={settingOf(fields) !== 'step'}
                      fallback={<span class="mono">{JSON.stringify(fields)}</span>}
                    >
                      <select
                        aria-label={`${t().recipe.setting}: ${name}`}
                        value={settingOf(fields)}
                        disabled={props.disabled}
                        onChange={event => set(name, fieldsOf(event.currentTarget.value as LayerSetting))}
                      >
                        <For each={settings}>
                          {setting => (
                            <option value={setting} selected={setting === settingOf(fields)}>
                              {settingName(setting)}
                            </option>
                          )}
                        </For>
                      </select>
                    </Show>
                  </td>
                  <td class="figure">
                    <button
                      type="button"
                      class="button bare icon"
                      aria-label={`${t().remove}: ${name}`}
                      disabled={props.disabled}
                      onClick={() => set(name, null)}
                    >
                      <Icon name="close" />
                    </button>
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </Show>
      <div class="row">
        <input
          class="selector"
          list="selectors"
          aria-label={t().recipe.selector}
          placeholder={t().recipe.selector}
          value={selector()}
          disabled={props.disabled}
          onInput={event => setSelector(event.currentTarget.value)}
          onKeyDown={event => event.key === 'Enter' && add()}
        />
        <datalist id="selectors">
          <For each={known()}>{name => <option value={name} />}</For>
        </datalist>
        <button type="button" class="button" disabled={props.disabled} onClick={add}>
          {t().recipe.addLayer}
        </button>
      </div>
    </div>
  )
}

/** Export names a target and a form; both are known, so both are choices. */
function ExportControls(props: {
  step: Step
  catalogue: Catalogue
  disabled: boolean
  onChange: (key: string, value: unknown, initial: unknown) => void
}) {
  const target = () => props.catalogue.targets.find(known => known.id === props.step.target)
  return (
    <>
      <ChoiceField
        name={t().recipe.target}
        value={String(props.step.target ?? '')}
        choices={[
          ...(target() ? [] : [String(props.step.target ?? '')]),
          ...props.catalogue.targets.map(known => known.id),
        ]}
        label={id => inWords(props.catalogue.targets.find(known => known.id === id)?.label ?? (id || '…'))}
        disabled={props.disabled}
        onChange={id => props.onChange('target', id, undefined)}
      />
      <ChoiceField
        name={t().recipe.form}
        value={String(props.step.form ?? '')}
        choices={['', ...(target()?.forms ?? [])]}
        label={form => form || t().recipe.standard}
        disabled={props.disabled}
        onChange={form => props.onChange('form', form || undefined, undefined)}
      />
    </>
  )
}

/** The control of one declared option; `step` is what holds its value. */
export function OptionControl(props: {
  name: string
  option: ShownOption
  step: Readonly<Record<string, unknown>>
  disabled: boolean
  onChange: Change
}) {
  const control = () => ({
    name: t().optionLabel[props.name] ?? inWords(props.option.label),
    value: props.step[props.name] ?? props.option.default,
    disabled: props.disabled,
    onChange: (next: unknown) => props.onChange(props.name, next, props.option.default),
  })
  return (
    <Switch>
      <Match when={props.option.kind === 'number'}>
        <NumberControl {...control()} option={props.option as NumberOption} />
      </Match>
      <Match when={props.option.kind === 'choice'}>
        <ChoiceField
          name={control().name}
          value={String(control().value)}
          choices={(props.option as ChoiceOption).choices}
          disabled={props.disabled}
          onChange={control().onChange}
        />
      </Match>
      <Match when={props.option.kind === 'flag'}>
        <Field name={control().name}>
          <input
            type="checkbox"
            checked={control().value === true}
            disabled={props.disabled}
            onChange={event => control().onChange(event.currentTarget.checked)}
          />
        </Field>
      </Match>
      <Match when={props.option.kind === 'several'}>
        <SeveralControl {...control()} option={props.option as SeveralOption} />
      </Match>
      <Match when={props.name === 'layers'}>
        <LayersControl {...control()} />
      </Match>
      <Match when={props.option.kind === 'value'}>
        <ValueControl {...control()} />
      </Match>
    </Switch>
  )
}

type Change = (key: string, value: unknown, initial: unknown) => void
type Named = [string, ShownOption]

// A step with more options than this has those that are seldom changed folded away: all after the first four but lists.
const inSight = 6

function folded(options: readonly Named[]): { shown: Named[]; more: Named[] } {
  if (options.length <= inSight) return { shown: [...options], more: [] }
  const small = options.filter(([name, { kind }]) => kind !== 'several' && name !== 'layers')
  const more = new Set(small.slice(4))
  return { shown: options.filter(option => !more.has(option)), more: [...more] }
}

export function StepOptions(props: { step: Step; disabled: boolean; onChange: Change }) {
  const { catalogue } = useStudio()
  // Of one kind for good; its other fields change with every edit.
  const kind = createMemo(() => props.step.do)
  const declared = () => catalogue()?.steps.find(step => step.id === kind())?.options ?? {}
  const own = createMemo(() =>
    folded(Object.entries(declared()).filter(([key]) => kind() !== 'export' || (key !== 'target' && key !== 'form'))),
  )
  const changed = () =>
    own().more.some(
      ([name, option]) => JSON.stringify(props.step[name] ?? option.default) !== JSON.stringify(option.default),
    )
  const quantize = () => (props.step.quantize ?? {}) as Record<string, unknown>
  const control = ([name, option]: Named) => (
    <OptionControl name={name} option={option} step={props.step} disabled={props.disabled} onChange={props.onChange} />
  )
  return (
    <div class="fields step-options">
      <Show when={props.step.do === 'export' && catalogue()}>
        {known => (
          <ExportControls step={props.step} catalogue={known()} disabled={props.disabled} onChange={props.onChange} />
        )}
      </Show>
      <For
        each={own().shown}
        fallback={
          <Show when={props.step.do !== 'export'}>
            <span class="soft">{t().recipe.noOptions}</span>
          </Show>
        }
      >
        {control}
      </For>
      <Show when={props.step.do === 'search'}>
        <LayersControl
          name={t().optionLabel.layers}
          value={quantize().layers ?? {}}
          disabled={props.disabled}
          onChange={layers => props.onChange('quantize', withLayers(quantize(), layers as LayerFields), {})}
        />
      </Show>
      <Show when={own().more.length > 0}>
        <details class="more-options" open={untrack(changed)}>
          <summary>{t().recipe.more(own().more.length)}</summary>
          <div class="fields">
            <For each={own().more}>{control}</For>
          </div>
        </details>
      </Show>
    </div>
  )
}
