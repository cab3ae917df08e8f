// The bundles: what each holds, to the byte, and the button that saves it.
import { createSignal, For, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { BundleReport } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { DumpView } from '../parts/dump-view.tsx'
import { Icon } from '../parts/icon.tsx'
import { VariantPicker } from '../parts/variant-picker.tsx'
import { reportPage } from '../state/report-page.ts'
import { jsonBlob, save } from '../state/save.ts'
import { stepName } from '../state/stage-words.ts'
import { useStudio } from '../state/studio.ts'
import './export.css'

function Hash(props: { text: string }) {
  const [copied, setCopied] = createSignal(false)
  const copy = async () => {
    await navigator.clipboard.writeText(props.text)
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <button
      type="button"
      class="hash mono"
      title={props.text}
      aria-label={`${t().export.copy} ${props.text.slice(0, 12)}`}
      onClick={() => void copy()}
    >
      {copied() ? t().export.copied : props.text.slice(0, 12)}
    </button>
  )
}

function Bundle(props: { project: ProjectView; bundle: BundleReport }) {
  const { api, catalogue, project, variants } = useStudio()
  const [state, setState] = createSignal<'idle' | 'saving' | 'saved'>('idle')
  const [name, setName] = createSignal('')
  const target = () => catalogue()?.targets.find(known => known.id === props.bundle.target)
  const caution = () => (props.bundle.operators.lowBit > 0 ? target()?.caution : null)
  const total = () => props.bundle.files.reduce((sum, file) => sum + file.bytes, 0)
  const store = async () => {
    setState('saving')
    const saved = await save(`${props.project.name}-${props.bundle.dir || props.bundle.target}.zip`, async () => {
      const made = await api.bundle(props.project.id, variants.shown()!, props.bundle.dir)
      if (made.ok) return made.value.zip
      project.setError(made.error)
      return null
    })
    setName(saved ?? '')
    setState(saved ? 'saved' : 'idle')
  }
  return (
    <section class="bundle">
      <div class="row apart">
        <div>
          <h2>
            {target()?.label ?? props.bundle.target} <span class="soft">{props.bundle.form}</span>
          </h2>
          <p class="soft">{target()?.ranOnItsRuntime ? t().export.tried : t().export.untried}</p>
        </div>
        <button
          type="button"
          class="button first"
          data-testid={`save-bundle-${props.bundle.target}`}
          disabled={state() === 'saving'}
          onClick={() => void store()}
        >
          <Icon name="save" />
          {state() === 'saving' ? t().export.saving : t().export.save}
        </button>
      </div>
      <p role="status" class="good">
        {state() === 'saved' ? t().export.saved(name()) : ''}
      </p>
      <Show when={caution()}>{text => <p class="warn">{inWords(text())}</p>}</Show>
      <div class="scroll-x">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t().export.file}</th>
              <th scope="col" class="figure">
                {t().bytes}
              </th>
              <th scope="col" class="figure">
                {t().export.hash}
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={props.bundle.files}>
              {file => (
                <tr>
                  <td class="mono">{file.path}</td>
                  <td class="figure">{format.bytes(file.bytes, locale())}</td>
                  <td class="figure">
                    <Hash text={file.sha256} />
                  </td>
                </tr>
              )}
            </For>
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t().export.total}</th>
              <td class="figure">{format.bytes(total(), locale())}</td>
              <td />
            </tr>
          </tfoot>
        </table>
      </div>
      <DumpView bundle={props.bundle} />
    </section>
  )
}

export function ExportPlace(props: { project: ProjectView }) {
  const studio = useStudio()
  const bundles = () => studio.report()?.bundles ?? []
  // The recipe of what is shown; where nothing is, the one that would be run.
  const recipe = () => studio.variants.variant()?.recipe ?? props.project.recipe
  const page = () =>
    reportPage(
      { project: props.project, variant: studio.variants.variant()!, report: studio.report()! },
      { words: t(), locale: locale(), say: inWords, step: id => stepName(id, t(), studio.catalogue()) },
    )
  return (
    <div class="place export-place">
      <div class="row apart">
        <h1>{t().export.title}</h1>
        <VariantPicker />
      </div>
      <Show
        when={bundles().length > 0}
        fallback={
          <p class="row">
            {t().export.none}
            <button type="button" class="button" onClick={() => studio.show('run')}>
              {t().place.run}
            </button>
          </p>
        }
      >
        <For each={bundles()}>{bundle => <Bundle project={props.project} bundle={bundle} />}</For>
      </Show>
      <section class="section">
        <h2>{t().export.also}</h2>
        <div class="row">
          <button type="button" class="button" onClick={() => void save('recipe.json', async () => jsonBlob(recipe()))}>
            {t().export.recipe}
          </button>
          <button
            type="button"
            class="button"
            disabled={!studio.report()}
            onClick={() => void save('report.json', async () => jsonBlob(studio.report()))}
          >
            {t().export.report}
          </button>
          <button
            type="button"
            class="button"
            data-testid="save-report-page"
            disabled={!studio.report() || !studio.variants.variant()}
            onClick={() =>
              void save(`${props.project.name}-report.html`, async () => new Blob([page()], { type: 'text/html' }))
            }
          >
            {t().export.page}
          </button>
        </div>
      </section>
    </div>
  )
}
