// The bar: name, readings, machine, language and theme.
import { For, Show } from 'solid-js'
import type { Locale } from '../format.ts'
import { languages, locale, setLanguage, t } from '../i18n/index.ts'
import { setTheme, type Theme, theme, themes } from '../state/settings.ts'
import { useStudio } from '../state/studio.ts'
import { Icon, Mark } from './icon.tsx'
import { Machine } from './machine.tsx'
import { ProjectMenu } from './project-menu.tsx'
import { Readings } from './readings.tsx'

export function TopBar() {
  const { project, home, setPaletteOpen } = useStudio()
  return (
    <header class="bar">
      <button type="button" class="mark" onClick={home} title={t().bar.home} aria-label={`Thimble: ${t().bar.home}`}>
        <Mark />
        <span class="wordmark">Thimble</span>
      </button>
      <Show when={project.view()}>{view => <ProjectMenu project={view()} />}</Show>
      <Show when={project.view()}>
        <Readings />
      </Show>
      <div class="tools">
        <Machine />
        <button
          type="button"
          class="button bare palette-button"
          onClick={() => setPaletteOpen(true)}
          title={t().bar.commands}
        >
          <Icon name="search" />
          <span class="unseen">{t().bar.commands}</span>
          <kbd>Ctrl K</kbd>
        </button>
        <select
          aria-label={t().language}
          data-testid="language-switch"
          value={locale()}
          onChange={({ currentTarget: select }) => {
            void setLanguage(select.value as Locale).finally(() => {
              select.value = locale()
            })
          }}
        >
          <For each={Object.entries(languages)}>
            {([code, name]) => (
              <option value={code} lang={code}>
                {name}
              </option>
            )}
          </For>
        </select>
        <select
          aria-label={t().theme.label}
          data-testid="theme-switch"
          value={theme()}
          onChange={event => setTheme(event.currentTarget.value as Theme)}
        >
          <For each={themes}>{name => <option value={name}>{t().theme[name]}</option>}</For>
        </select>
      </div>
    </header>
  )
}
