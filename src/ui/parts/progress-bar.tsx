// A progress bar; without a total it only says that something goes on.
import { Show } from 'solid-js'

export function ProgressBar(props: { label: string; done: number; total: number | null }) {
  return (
    // A progress element that has had a value can only lose it by its attribute, so there are two.
    <Show when={props.total !== null} fallback={<progress aria-label={props.label} />}>
      <progress aria-label={props.label} max={props.total!} value={props.done} />
    </Show>
  )
}
