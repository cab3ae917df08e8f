// Which of the kept results is looked at, and which of its bundles; says where the settings are others by now.
import { For, Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function VariantPicker(props: { bundles?: boolean }) {
  const { variants, report, bundleIndex, setBundleIndex } = useStudio()
  const bundles = () => (props.bundles ? (report()?.bundles ?? []) : [])
  return (
    <div class="row">
      <Show when={variants.stale()}>
        <span class="badge" data-testid="stale" title={t().variants.staleAbout}>
          {t().variants.stale}
        </span>
      </Show>
      <Show when={variants.list().length > 1}>
        <label class="row">
          <span class="soft">{t().variants.variant}</span>
          <select
            data-testid="variant"
            value={variants.shown() ?? ''}
            onChange={event => variants.choose(event.currentTarget.value)}
          >
            <For each={variants.list()}>
              {variant => (
                <option value={variant.id} selected={variant.id === variants.shown()}>
                  {variant.name}
                </option>
              )}
            </For>
          </select>
        </label>
      </Show>
      <Show when={bundles().length > 1}>
        <label class="row">
          <span class="soft">{t().result.bundle}</span>
          <select value={bundleIndex()} onChange={event => setBundleIndex(Number(event.currentTarget.value))}>
            <For each={bundles()}>
              {(bundle, k) => (
                <option value={k()}>
                  {bundle.target}
                  {bundle.form ? ` ${bundle.form}` : ''}
                </option>
              )}
            </For>
          </select>
        </label>
      </Show>
    </div>
  )
}
