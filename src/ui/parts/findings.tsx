// Samples that were skipped and data that look wrong, by name and loudly; long lists fold.
import { For, Show } from 'solid-js'
import type { Skip, Suspicion } from '../../ir/context.ts'
import { inWords, t } from '../i18n/index.ts'
import { Said } from './said.tsx'

const inSight = 6

function Finding(props: { sample: string; says: string }) {
  return (
    <li>
      <span class="mono">{inWords(props.sample)}</span>: <Said words={props.says} />
    </li>
  )
}

function Folding(props: { kind: string; title: string; rows: readonly { sample: string; says: string }[] }) {
  return (
    <Show when={props.rows.length > 0}>
      <div class={`note ${props.kind}`}>
        <strong>{props.title}</strong>
        <ul>
          <For each={props.rows.slice(0, inSight)}>{row => <Finding {...row} />}</For>
        </ul>
        <Show when={props.rows.length > inSight}>
          <details>
            <summary>+ {props.rows.length - inSight}</summary>
            <ul>
              <For each={props.rows.slice(inSight)}>{row => <Finding {...row} />}</For>
            </ul>
          </details>
        </Show>
      </div>
    </Show>
  )
}

export function Findings(props: { skipped: readonly Skip[]; suspicious: readonly Suspicion[] }) {
  return (
    <>
      <Folding
        kind="bad-note"
        title={t().data.suspicious(props.suspicious.length)}
        rows={props.suspicious.map(({ sample, what }) => ({ sample, says: what }))}
      />
      <Folding
        kind="warn-note"
        title={t().data.skipped(props.skipped.length)}
        rows={props.skipped.map(({ sample, why }) => ({ sample, says: why }))}
      />
    </>
  )
}
