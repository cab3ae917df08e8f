// The name of what is open, and the way to what else was begun: a run goes on meanwhile.
import { createSignal, For, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import { t } from '../i18n/index.ts'
import { formatAddress } from '../state/place.ts'
import { useStudio } from '../state/studio.ts'
import { Icon } from './icon.tsx'
import { Rename } from './rename.tsx'
import { SaveProject } from './save-project.tsx'
import { Thumbnail } from './thumbnail.tsx'
import './project-menu.css'

export function ProjectMenu(props: { project: ProjectView }) {
  const { project, run } = useStudio()
  const [naming, setNaming] = createSignal(false)
  const [saving, setSaving] = createSignal(false)
  let menu!: HTMLDivElement
  const others = () => project.recent().filter(({ id }) => id !== props.project.id)
  return (
    <div class="project">
      <button
        type="button"
        class="button bare name"
        popovertarget="projects"
        title={t().projects.switch}
        aria-label={`${t().projects.switch}: ${props.project.name}`}
        data-testid="project-menu"
      >
        <strong>{props.project.name}</strong>
        <Icon name="down" />
      </button>
      <div
        id="projects"
        class="project-menu"
        popover
        ref={menu}
        onToggle={event => event.newState === 'open' && void project.refresh()}
      >
        <div class="row">
          <button
            type="button"
            class="button"
            disabled={props.project.readOnly}
            onClick={() => {
              menu.hidePopover()
              setNaming(true)
            }}
          >
            <Icon name="pencil" />
            {t().rename}
          </button>
          <button
            type="button"
            class="button"
            data-testid="save-project"
            disabled={props.project.readOnly || run.running() === props.project.id}
            onClick={() => {
              menu.hidePopover()
              setSaving(true)
            }}
          >
            <Icon name="save" />
            {t().projects.save}
          </button>
        </div>
        <ul>
          <For each={others()}>
            {item => (
              <li>
                <a href={formatAddress({ project: item.id, place: 'model' })} onClick={() => menu.hidePopover()}>
                  <Thumbnail of={item.thumbnail} />
                  <span>{item.name}</span>
                  <Show when={run.running() === item.id}>
                    <span class="soft">{t().projects.running}</span>
                  </Show>
                </a>
              </li>
            )}
          </For>
          <li>
            <a href={formatAddress({ project: null, place: 'model' })} onClick={() => menu.hidePopover()}>
              {t().projects.all}
            </a>
          </li>
        </ul>
      </div>
      <SaveProject of={saving() ? props.project : null} onDone={() => setSaving(false)} />
      <Rename
        name={naming() ? props.project.name : null}
        label={t().bar.project}
        onDone={name => {
          setNaming(false)
          if (name) void project.rename(props.project.id, name)
        }}
      />
    </div>
  )
}
