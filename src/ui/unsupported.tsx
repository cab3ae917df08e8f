// The only page that a browser without the basics gets.
import { For } from 'solid-js'
import { t } from './i18n/index.ts'
import './tokens.css'
import './base.css'
import './app.css'

export function Unsupported(props: { missing: readonly string[] }) {
  return (
    <main class="place" data-testid="unsupported">
      <h1>{t().unsupported.title}</h1>
      <p>{t().unsupported.about}</p>
      <ul class="note bad-note">
        <For each={props.missing}>{name => <li>{name}</li>}</For>
      </ul>
      <p>{t().unsupported.todo}</p>
    </main>
  )
}
