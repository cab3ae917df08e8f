// The first page: open a model, take a sample, or go on with what was begun.
import { createSignal, For, Show } from 'solid-js'
import type { ProjectSummary } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { inLanguage, locale, t } from '../i18n/index.ts'
import { Ask } from '../parts/ask.tsx'
import { FileButton } from '../parts/file-button.tsx'
import { Icon } from '../parts/icon.tsx'
import { useStudio } from '../state/studio.ts'
import './home.css'

function Opener() {
  const { project } = useStudio()
  return (
    <section class="opener" data-testid="drop-zone" aria-label={t().home.drop}>
      <Show
        when={project.busy()}
        fallback={
          <>
            <h2>{t().home.drop}</h2>
            <p class="soft">{t().home.dropMore}</p>
            <div class="row">
              <FileButton first testid="pick-model" onFiles={files => void project.create(files)}>
                {t().home.pickModel}
              </FileButton>
              <FileButton folder testid="pick-model-folder" onFiles={files => void project.create(files)}>
                <Icon name="folder" />
                {t().home.pickFolder}
              </FileButton>
            </div>
          </>
        }
      >
        {busy => (
          <>
            <h2>
              {t().home.opening} {busy().name}
            </h2>
            <p class="soft" role="status">
              {t().home.copying}
            </p>
            <progress aria-label={t().home.opening} />
          </>
        )}
      </Show>
    </section>
  )
}

function Samples() {
  const { catalogue, sample, project, run } = useStudio()
  return (
    <section class="section">
      <div>
        <h2>{t().home.samples}</h2>
        <p class="soft">{t().home.samplesAbout}</p>
      </div>
      <ul class="entries">
        <For each={catalogue()?.samples ?? []}>
          {item => (
            <li>
              <div class="what">
                <strong>{inLanguage(item.label, locale())}</strong>
                <span class="soft">{inLanguage(item.about, locale())}</span>
              </div>
              <span class="figure soft">{format.bytes(item.bytes, locale())}</span>
              <button
                type="button"
                class="button"
                data-testid={`sample-${item.id}`}
                aria-label={`${t().home.runSample}: ${inLanguage(item.label, locale())}`}
                disabled={project.busy() !== null || run.running() !== null}
                onClick={() => void sample(item.id, inLanguage(item.label, locale()))}
              >
                <Icon name="play" />
                {t().home.runSample}
              </button>
            </li>
          )}
        </For>
      </ul>
    </section>
  )
}

function Recent(props: { projects: readonly ProjectSummary[] }) {
  const { go, project } = useStudio()
  const [leaving, setLeaving] = createSignal<ProjectSummary | null>(null)
  const now = Date.now()
  return (
    <section class="section">
      <h2>{t().home.recent}</h2>
      <ul class="entries">
        <For each={props.projects}>
          {item => (
            <li>
              <div class="what">
                <strong>{item.name}</strong>
                <span class="soft">
                  <span classList={{ warn: item.stage === 'interrupted', bad: item.stage === 'failed' }}>
                    {t().home.stage[item.stage]}
                  </span>
                  {' · '}
                  {format.whenChanged(item.changed, now, locale())}
                  {item.lockedElsewhere ? ` · ${t().home.elsewhere}` : ''}
                </span>
              </div>
              <span class="figure soft">{format.bytes(item.bytes, locale())}</span>
              <button
                type="button"
                class="button"
                classList={{ first: item.stage === 'interrupted' }}
                data-testid={`open-${item.id}`}
                aria-label={`${item.stage === 'interrupted' ? t().home.resume : t().open}: ${item.name}`}
                onClick={() => go({ project: item.id, place: item.stage === 'interrupted' ? 'run' : 'model' })}
              >
                {item.stage === 'interrupted' ? t().home.resume : t().open}
              </button>
              <button
                type="button"
                class="button bare icon"
                aria-label={`${t().remove}: ${item.name}`}
                title={t().remove}
                disabled={item.lockedElsewhere}
                onClick={() => setLeaving(item)}
              >
                <Icon name="close" />
              </button>
            </li>
          )}
        </For>
      </ul>
      <Ask
        open={leaving() !== null}
        title={t().home.deleteAsk(leaving()?.name ?? '')}
        action={t().remove}
        danger
        onDone={yes => {
          const item = leaving()
          setLeaving(null)
          if (yes && item) void project.remove(item.id)
        }}
      />
    </section>
  )
}

export function Home() {
  const { project } = useStudio()
  return (
    <div class="place home">
      <h1>{t().home.title}</h1>
      <Opener />
      <div class="home-lists">
        <Samples />
        <Show when={project.recent().length > 0}>
          <Recent projects={project.recent()} />
        </Show>
      </div>
    </div>
  )
}
