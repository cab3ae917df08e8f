// The graph's panel, loaded when one is first shown: nothing else of the page is as large.
import { lazy, Suspense } from 'solid-js'
import { t } from '../i18n/index.ts'

const Loaded = lazy(async () => ({ default: (await import('./graph-panel.tsx')).GraphPanel }))

/** Takes the panel's place until it is there. */
export function GraphPanel() {
  return (
    <Suspense fallback={<p class="soft">{t().loading}</p>}>
      <Loaded />
    </Suspense>
  )
}
