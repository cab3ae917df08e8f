// One field of a form: a name over a control. Text that cannot be taken stays, marked, until it can.
import { createMemo, createSignal, For, type JSX } from 'solid-js'

export function Field(props: { name: JSX.Element; children: JSX.Element; title?: string }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is what it is given to hold
    <label class="field" title={props.title}>
      <span class="name">{props.name}</span>
      {props.children}
    </label>
  )
}

export function ChoiceField<T extends string>(props: {
  name: string
  value: T
  choices: readonly T[]
  label?: (choice: T) => string
  disabled?: boolean
  testid?: string
  onChange: (value: T) => void
}) {
  return (
    <Field name={props.name}>
      <select
        value={props.value}
        disabled={props.disabled}
        data-testid={props.testid}
        onChange={event => props.onChange(event.currentTarget.value as T)}
      >
        <For each={props.choices}>
          {choice => (
            <option value={choice} selected={choice === props.value}>
              {props.label?.(choice) ?? choice}
            </option>
          )}
        </For>
      </select>
    </Field>
  )
}

/** Text read by `parse`; null from it means that it cannot be read. */
export function ParsedField<T>(props: {
  name: string
  text: string
  parse: (text: string) => T | null
  disabled?: boolean
  numeric?: boolean
  onChange: (value: T) => void
}) {
  const [wrong, setWrong] = createSignal(false)
  // Set only when it is another text: what is being typed must outlive a change of some other field.
  const text = createMemo(() => props.text)
  return (
    <Field name={props.name}>
      <input
        value={text()}
        inputmode={props.numeric ? 'decimal' : undefined}
        aria-invalid={wrong()}
        disabled={props.disabled}
        onChange={event => {
          const value = props.parse(event.currentTarget.value)
          setWrong(value === null)
          if (value !== null) props.onChange(value)
        }}
      />
    </Field>
  )
}
