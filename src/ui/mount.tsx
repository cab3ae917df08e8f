// Puts the page on the screen over any studio: the worker's, or a test's.
import { render } from 'solid-js/web'
import type { StudioApi } from '../../workers/api.ts'
import { App } from './app.tsx'
import { createStudio, type Studio, StudioContext, type Surroundings } from './state/studio.ts'

/** Files that the system opened with the installed app. */
interface LaunchQueue {
  setConsumer(use: (launch: { files: readonly FileSystemFileHandle[] }) => void): void
}

function takeLaunchedFiles(studio: Studio): void {
  const queue = (window as { launchQueue?: LaunchQueue }).launchQueue
  queue?.setConsumer(async ({ files }) => {
    if (files.length === 0) return
    await studio.project.create(
      await Promise.all(files.map(async handle => ({ path: handle.name, file: await handle.getFile() }))),
    )
  })
}

export function mount(root: HTMLElement, api: StudioApi, surroundings: Surroundings): () => void {
  return render(() => {
    const studio = createStudio(api, surroundings)
    takeLaunchedFiles(studio)
    return (
      <StudioContext.Provider value={studio}>
        <App />
      </StudioContext.Provider>
    )
  }, root)
}
