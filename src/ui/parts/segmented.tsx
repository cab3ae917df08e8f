// One choice of a few, all in sight: radio buttons in a frame.
import { createUniqueId, For } from 'solid-js'

export function Segmented<T extends string>(props: {
  label: string
  value: T
  choices: readonly { value: T; label: string; disabled?: boolean; title?: string }[]
  disabled?: boolean
  onChange: (value: T) => void
}) {
  const name = createUniqueId()
  return (
    <fieldset class="segmented" aria-label={props.label} disabled={props.disabled}>
      <For each={props.choices}>
        {choice => (
          <label title={choice.title}>
            <input
              class="unseen"
              type="radio"
              name={name}
              value={choice.value}
              checked={props.value === choice.value}
              disabled={choice.disabled}
              onChange={() => props.onChange(choice.value)}
            />
            {choice.label}
          </label>
        )}
      </For>
    </fieldset>
  )
}
