// The frame of the page: bar, rail, the place that is open, status line; and what may lie over it.
import { createEffect, createSignal, lazy, Match, on, onCleanup, onMount, Show, Suspense, Switch } from 'solid-js'
import { commandFor, commands } from './commands.ts'
import { t } from './i18n/index.ts'
import { DeletedToast } from './parts/deleted-toast.tsx'
import { EndedToast } from './parts/ended-toast.tsx'
import { ErrorPanel } from './parts/error-panel.tsx'
import { Palette } from './parts/palette.tsx'
import { Rail } from './parts/rail.tsx'
import { SharedRecipe } from './parts/shared-recipe.tsx'
import { StatusLine } from './parts/status-line.tsx'
import { TopBar } from './parts/top-bar.tsx'
import { Tour } from './parts/tour.tsx'
import { UpdateToast } from './parts/update-toast.tsx'
import { Home } from './places/home.tsx'
import { droppedFiles, type GivenFile, isDump, isProject, splitModelAndData } from './state/files.ts'
import { onPastedPictures } from './state/pasted.ts'
import { useStudio } from './state/studio.ts'
import './tokens.css'
import './base.css'
import './app.css'

// Each place is a file of its own, so that the first page is there sooner; the others follow while nothing else is to do.
const loaders = {
  model: () => import('./places/model.tsx'),
  data: () => import('./places/data.tsx'),
  recipe: () => import('./places/recipe.tsx'),
  run: () => import('./places/run.tsx'),
  result: () => import('./places/result.tsx'),
  compare: () => import('./places/compare.tsx'),
  export: () => import('./places/export.tsx'),
}
const ModelPlace = lazy(async () => ({ default: (await loaders.model()).ModelPlace }))
const DataPlace = lazy(async () => ({ default: (await loaders.data()).DataPlace }))
const RecipePlace = lazy(async () => ({ default: (await loaders.recipe()).RecipePlace }))
const RunPlace = lazy(async () => ({ default: (await loaders.run()).RunPlace }))
const ResultPlace = lazy(async () => ({ default: (await loaders.result()).ResultPlace }))
const ComparePlace = lazy(async () => ({ default: (await loaders.compare()).ComparePlace }))
const ExportPlace = lazy(async () => ({ default: (await loaders.export()).ExportPlace }))

// Looked at now and then.
const ShareDialog = lazy(async () => ({ default: (await import('./parts/share-dialog.tsx')).ShareDialog }))

const whenIdle = (work: () => void): void => {
  if ('requestIdleCallback' in window) requestIdleCallback(work, { timeout: 3000 })
  else setTimeout(work, 1000)
}

/** Files may be dropped anywhere; where they go follows from what they are. */
function DropAnywhere() {
  const { project, run, dumps, bundle, show } = useStudio()
  const [over, setOver] = createSignal(false)
  let depth = 0
  const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  const take = async (files: GivenFile[], target: EventTarget | null): Promise<void> => {
    const on = (what: string) => (target instanceof Element ? target.closest<HTMLElement>(what) : null)
    const open = project.view()
    const dir = on('[data-role=dump]')?.dataset.dir ?? (isDump(files) ? bundle()?.dir : undefined)
    if (isProject(files)) await project.create(files)
    else if (open && dir !== undefined && files.length === 1) {
      if (await dumps.read(dir, files[0].file)) show('export')
    } else if (open && !open.readOnly && splitModelAndData(files).model.length === 0) {
      const role = on('[data-role]')?.dataset.role
      await project.addData(role === 'evaluation' ? 'evaluation' : 'calibration', files)
    } else await project.create(files)
  }
  onPastedPictures(pictures => {
    const open = project.view()
    if (!open || open.readOnly || run.running() !== null || project.busy() !== null) return
    const evaluates = document.querySelector('[data-testid=labelling-evaluation]') !== null
    show('data')
    void project.addPictures(evaluates ? 'evaluation' : 'calibration', pictures)
  })
  const listeners: [string, (event: DragEvent) => void][] = [
    [
      'dragenter',
      event => {
        if (!holdsFiles(event)) return
        event.preventDefault()
        depth++
        setOver(true)
      },
    ],
    ['dragover', event => holdsFiles(event) && event.preventDefault()],
    [
      'dragleave',
      () => {
        depth = Math.max(0, depth - 1)
        if (depth === 0) setOver(false)
      },
    ],
    [
      'drop',
      event => {
        depth = 0
        setOver(false)
        if (!event.dataTransfer || !holdsFiles(event)) return
        event.preventDefault()
        const { target } = event
        void droppedFiles(event.dataTransfer).then(files => take(files, target))
      },
    ],
  ]
  onMount(() => {
    for (const [name, listener] of listeners) window.addEventListener(name, listener as EventListener)
  })
  onCleanup(() => {
    for (const [name, listener] of listeners) window.removeEventListener(name, listener as EventListener)
  })
  return (
    <Show when={over()}>
      <div class="drop-veil">{t().home.dropNow}</div>
    </Show>
  )
}

export function App() {
  const studio = useStudio()
  const { project, address, run } = studio
  let main!: HTMLElement

  // A tab in the background says by its title how it stands, until it is seen again.
  const [hidden, setHidden] = createSignal(document.hidden)
  const [finished, setFinished] = createSignal(false)
  createEffect(
    on(run.ended, ended => {
      if (ended && document.hidden) setFinished(true)
    }),
  )
  const mark = () =>
    !hidden() ? '' : run.running() ? t().notices.title.running : finished() ? t().notices.title.done : ''
  const seen = () => {
    setHidden(document.hidden)
    if (!document.hidden) setFinished(false)
  }
  document.addEventListener('visibilitychange', seen)
  onCleanup(() => document.removeEventListener('visibilitychange', seen))
  createEffect(() => {
    const view = project.view()
    const name = view ? `${view.name} · ${t().place[address().place]} · Thimble` : 'Thimble'
    document.title = mark() ? `${mark()}: ${name}` : name
  })
  const key = (event: KeyboardEvent) => {
    if (document.querySelector('dialog[open]')) return
    const command = commandFor(event, commands(studio))
    if (!command) return
    event.preventDefault()
    command.run()
  }
  onMount(() => {
    window.addEventListener('keydown', key)
  })
  onCleanup(() => window.removeEventListener('keydown', key))
  // The places come once the first page has what it shows; before, they would share the network with it.
  createEffect(() => {
    if (studio.catalogue()) for (const load of Object.values(loaders)) whenIdle(() => void load())
  })
  // Another place starts at its top.
  createEffect(() => {
    address()
    main.scrollTop = 0
  })

  return (
    <div class="app" classList={{ 'no-project': !project.view() }}>
      <button type="button" class="button skip" onClick={() => main.focus()}>
        {t().skip}
      </button>
      <TopBar />
      <Show when={project.view()}>
        <Rail />
      </Show>
      <main id="main" class="main" ref={main} tabIndex={-1}>
        <Show when={project.error() ?? project.view()?.error}>
          {error => (
            <ErrorPanel
              error={error()}
              onDismiss={() => {
                project.setError(null)
                const view = project.view()
                if (view?.error) project.setView({ ...view, error: null })
              }}
            />
          )}
        </Show>
        <SharedRecipe />
        <Tour />
        <Show when={project.view()?.readOnly}>
          <p class="note warn-note lock-note" role="status" data-testid="read-only">
            <strong>{t().lock.title}.</strong> {t().lock.about}
          </p>
        </Show>
        <Show when={project.view()} fallback={<Home />}>
          {view => (
            <Suspense fallback={<p class="place soft">{t().loading}</p>}>
              <Switch>
                <Match when={address().place === 'model'}>
                  <ModelPlace project={view()} />
                </Match>
                <Match when={address().place === 'data'}>
                  <DataPlace project={view()} />
                </Match>
                <Match when={address().place === 'recipe'}>
                  <RecipePlace project={view()} />
                </Match>
                <Match when={address().place === 'run'}>
                  <RunPlace project={view()} />
                </Match>
                <Match when={address().place === 'result'}>
                  <ResultPlace project={view()} />
                </Match>
                <Match when={address().place === 'compare'}>
                  <ComparePlace project={view()} />
                </Match>
                <Match when={address().place === 'export'}>
                  <ExportPlace project={view()} />
                </Match>
              </Switch>
            </Suspense>
          )}
        </Show>
      </main>
      <StatusLine />
      <Palette />
      <Show when={project.view()}>
        {view => <ShareDialog project={view()} open={studio.sharing()} onClose={() => studio.setSharing(false)} />}
      </Show>
      <div class="toasts">
        <UpdateToast />
        <DeletedToast />
        <EndedToast />
      </div>
      <DropAnywhere />
    </div>
  )
}
