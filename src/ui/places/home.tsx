// The first page: open a model, take a sample, or go on with what was begun.
import { For, Show } from 'solid-js'
import * as format from '../format.ts'
import { inLanguage, locale, t } from '../i18n/index.ts'
import { FileButton } from '../parts/file-button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Recent } from '../parts/recent.tsx'
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
