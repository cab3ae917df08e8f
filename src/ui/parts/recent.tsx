// What was begun: each project with its picture, and what can be done with it from outside.
import { createSignal, For, Show } from 'solid-js'
import type { ProjectSummary } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'
import { Icon } from './icon.tsx'
import { Rename } from './rename.tsx'
import { SaveProject } from './save-project.tsx'
import { Thumbnail } from './thumbnail.tsx'

export function Recent(props: { projects: readonly ProjectSummary[] }) {
  const { go, project, capabilities, run } = useStudio()
  const [saving, setSaving] = createSignal<ProjectSummary | null>(null)
  const [naming, setNaming] = createSignal<ProjectSummary | null>(null)
  const now = Date.now()
  const storage = () => capabilities.latest?.storage
  const place = ({ id, stage }: ProjectSummary) =>
    stage === 'interrupted' || run.running() === id ? ('run' as const) : ('model' as const)
  return (
    <section class="section">
      <div>
        <h2>{t().home.recent}</h2>
        <Show when={storage()}>
          {known => (
            <p class="soft" data-testid="storage-used">
              {t().projects.used(format.bytes(known().used, locale()), format.bytes(known().quota, locale()))}
            </p>
          )}
        </Show>
      </div>
      <ul class="entries">
        <For each={props.projects}>
          {item => (
            <li data-testid={`project-${item.id}`}>
              <Thumbnail of={item.thumbnail} />
              <div class="what">
                <strong>{item.name}</strong>
                <span class="soft">
                  <span classList={{ warn: item.stage === 'interrupted', bad: item.stage === 'failed' }}>
                    {t().home.stage[item.stage]}
                  </span>
                  {' · '}
                  {format.whenChanged(item.changed, now, locale())}
                  {' · '}
                  {format.bytes(item.bytes, locale())}
                  {item.lockedElsewhere ? ` · ${t().home.elsewhere}` : ''}
                </span>
              </div>
              <button
                type="button"
                class="button"
                classList={{ first: item.stage === 'interrupted' }}
                data-testid={`open-${item.id}`}
                aria-label={`${item.stage === 'interrupted' ? t().home.resume : t().open}: ${item.name}`}
                onClick={() => go({ project: item.id, place: place(item) })}
              >
                {item.stage === 'interrupted' ? t().home.resume : t().open}
              </button>
              <span class="tools">
                <button
                  type="button"
                  class="button bare icon"
                  aria-label={`${t().rename}: ${item.name}`}
                  title={t().rename}
                  disabled={item.lockedElsewhere || item.stage === 'running'}
                  onClick={() => setNaming(item)}
                >
                  <Icon name="pencil" />
                </button>
                <button
                  type="button"
                  class="button bare icon"
                  aria-label={`${t().projects.save}: ${item.name}`}
                  title={t().projects.save}
                  disabled={item.lockedElsewhere || item.stage === 'running' || project.busy() !== null}
                  onClick={() => setSaving(item)}
                >
                  <Icon name="save" />
                </button>
                <button
                  type="button"
                  class="button bare icon"
                  aria-label={`${t().remove}: ${item.name}`}
                  title={t().remove}
                  disabled={item.lockedElsewhere}
                  onClick={() => void project.remove(item)}
                >
                  <Icon name="close" />
                </button>
              </span>
            </li>
          )}
        </For>
      </ul>
      <SaveProject of={saving()} onDone={() => setSaving(null)} />
      <Rename
        name={naming()?.name ?? null}
        label={t().bar.project}
        onDone={name => {
          const item = naming()
          setNaming(null)
          if (name && item) void project.rename(item.id, name)
        }}
      />
    </section>
  )
}
