// The places. A small sign says what each holds.
import { For } from 'solid-js'
import { count } from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { formatAddress, type Place, places } from '../state/place.ts'
import { useStudio } from '../state/studio.ts'

export function Rail() {
  const { address, project, run, report, variants } = useStudio()
  const sign = (place: Place): string => {
    const view = project.view()
    if (!view) return ''
    switch (place) {
      case 'model':
        return count(view.model.nodes, locale())
      case 'data':
        return view.calibration ? count(view.calibration.size, locale()) : ''
      case 'recipe':
        return String(view.recipe.steps.length)
      case 'run': {
        const now = run.progress()
        return run.here() && now ? `${now.step + 1}/${now.steps}` : ''
      }
      case 'result':
        return variants.shown() === null ? '' : variants.stale() ? '≠' : '✓'
      case 'compare':
        return view.variants.length > 0 ? String(view.variants.length) : ''
      case 'export':
        return String(report()?.bundles.length ?? '')
    }
  }
  return (
    <nav class="rail" aria-label={t().places}>
      <ol>
        <For each={places}>
          {(place, k) => (
            <li>
              <a
                href={formatAddress({ project: address().project, place })}
                aria-current={address().place === place ? 'page' : undefined}
                data-testid={`place-${place}`}
              >
                <span class="number" aria-hidden="true">
                  {k() + 1}
                </span>
                <span>{t().place[place]}</span>
                <span class="sign" aria-hidden="true">
                  {sign(place)}
                </span>
              </a>
            </li>
          )}
        </For>
      </ol>
    </nav>
  )
}
