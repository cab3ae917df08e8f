// What came of it: is it still right, what does it cost, which layer strays most, what stayed in float, what was odd in the data.
import { createMemo, createSignal, For, lazy, Show, Suspense } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Accuracy, LayerReport, Report } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { GraphPanel } from '../graph/graph-panel-lazy.tsx'
import { inWords, locale, t } from '../i18n/index.ts'
import { Alike, grouped } from '../parts/alike.tsx'
import { AnswersView } from '../parts/answers-view.tsx'
import { AgreementFacts, CompareTable } from '../parts/compare-table.tsx'
import { Doctor } from '../parts/doctor.tsx'
import { Findings } from '../parts/findings.tsx'
import { IntervalChart } from '../parts/interval-chart.tsx'
import { LayersTable } from '../parts/layers-table.tsx'
import { Said } from '../parts/said.tsx'
import { Segmented } from '../parts/segmented.tsx'
import { Term } from '../parts/term.tsx'
import { VariantPicker } from '../parts/variant-picker.tsx'
import { layersCsv } from '../state/layers-csv.ts'
import { save } from '../state/save.ts'
import { useStudio } from '../state/studio.ts'
import './result.css'

// Drawn below the fold, and as large as the rest of the place.
const ResultCharts = lazy(async () => ({ default: (await import('../parts/result-charts.tsx')).ResultCharts }))

function AccuracyChart(props: { before: Accuracy; after: Accuracy }) {
  const row = (name: string, { value, interval95 }: Accuracy) => ({ name, value, ...interval95 })
  return (
    <section class="section">
      <h2>
        <Term of="interval">{t().result.interval(inWords(props.after.metric))}</Term>{' '}
        <span class="soft small">{t().result.samplesOf(format.whole(props.after.samples, locale()))}</span>
      </h2>
      <IntervalChart
        label={`${inWords(props.after.metric)}: ${format.percent(props.before.value, 2, locale())} → ${format.percent(props.after.value, 2, locale())}`}
        rows={[row(t().before, props.before), row(t().after, props.after)]}
      />
      <Show when={props.after.against}>
        {against => (
          <p>
            {t().result.difference(
              format.signed(against().difference, 2, locale()),
              format.signed(against().interval95.low, 2, locale()),
              format.signed(against().interval95.high, 2, locale()),
            )}
            <Said words={against().words} />
          </p>
        )}
      </Show>
    </section>
  )
}

function FloatLeft(props: { rows: Report['floatLeft'] }) {
  const studio = useStudio()
  return (
    <section class="section">
      <h2>{t().result.floatLeft(props.rows.length)}</h2>
      <div class="scroll-x">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t().result.node}</th>
              <th scope="col">{t().result.why}</th>
            </tr>
          </thead>
          <tbody>
            <For each={grouped(props.rows, ({ op, why }) => [op, why])}>
              {alike => (
                <tr>
                  <td>
                    <Alike rows={alike} onSelect={({ node }) => studio.select(node)} />
                  </td>
                  <td>
                    <Said words={alike[0].why} />
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Optimized(props: { optimized: NonNullable<Report['optimized']> }) {
  const changed = () => props.optimized.passes.filter(pass => pass.changes > 0 || pass.skipped.length > 0)
  return (
    <section class="section">
      <h2>
        {t().result.optimized(
          format.whole(props.optimized.nodesBefore, locale()),
          format.whole(props.optimized.nodesAfter, locale()),
        )}
      </h2>
      <ul class="passes">
        <For each={changed()}>
          {pass => (
            <li>
              <span class="mono">{pass.id}</span>
              <span class="figure">{pass.changes}</span>
              <Show when={pass.skipped.length > 0}>
                <details>
                  <summary>
                    {t().result.skips}: {pass.skipped.length}
                  </summary>
                  <ul>
                    <For each={pass.skipped}>
                      {skip => (
                        <li>
                          <span class="mono">{skip.node}</span>: <Said words={skip.why} />
                        </li>
                      )}
                    </For>
                  </ul>
                </details>
              </Show>
            </li>
          )}
        </For>
      </ul>
    </section>
  )
}

function Layers(props: { layers: readonly LayerReport[]; name: string }) {
  const [form, setForm] = createSignal<'table' | 'graph'>('table')
  return (
    <section class="section">
      <div class="row apart">
        <div>
          <h2>{t().result.layers}</h2>
          <p class="soft">{t().result.layersAbout}</p>
        </div>
        <div class="row">
          <Segmented
            label={t().graph.view}
            value={form()}
            choices={[
              { value: 'table' as const, label: t().graph.asTable },
              { value: 'graph' as const, label: t().graph.asGraph },
            ]}
            onChange={setForm}
          />
          <button
            type="button"
            class="button"
            onClick={() =>
              void save(
                `${props.name}-layers.csv`,
                async () => new Blob([layersCsv(props.layers)], { type: 'text/csv' }),
              )
            }
          >
            {t().result.csv}
          </button>
        </div>
      </div>
      <div class="layers-body">
        <Show when={form() === 'table'} fallback={<GraphPanel />}>
          <LayersTable layers={props.layers} />
        </Show>
      </div>
    </section>
  )
}

export function ResultPlace(props: { project: ProjectView }) {
  const studio = useStudio()
  const { report } = studio
  const after = () => studio.bundle()?.after ?? report()?.after ?? null
  const agreement = () => studio.bundle()?.agreement ?? report()?.agreement ?? null
  const bothAccuracies = () => {
    const [before, now] = [report()?.before.accuracy, after()?.accuracy]
    return before && now ? { before, now } : null
  }
  const model = createMemo(() => {
    const [variant, dir] = [studio.variants.shown(), studio.bundle()?.dir]
    return variant !== null && dir !== undefined ? { variant, dir } : null
  })
  const dataClean = () => report()!.data.skipped.length === 0 && report()!.data.suspicious.length === 0
  return (
    <div class="place result-place">
      <div class="row apart">
        <h1>{t().result.title}</h1>
        <VariantPicker bundles />
      </div>
      <Show
        when={report()}
        fallback={
          <p class="row">
            {t().result.none}
            <button type="button" class="button" onClick={() => studio.show('run')}>
              {t().place.run}
            </button>
          </p>
        }
      >
        {known => (
          <>
            <Show when={known().estimated}>
              {words => (
                <p class="note warn-note" data-testid="report-estimated">
                  <Said words={words()} />
                </p>
              )}
            </Show>
            <Show when={known().data.suspicious.length > 0}>
              <Findings skipped={[]} suspicious={known().data.suspicious} />
            </Show>
            <div class="result-head">
              <Show when={after()}>{side => <CompareTable before={known().before} after={side()} />}</Show>
              <div class="section">
                <Show when={bothAccuracies()}>
                  {both => <AccuracyChart before={both().before} after={both().now} />}
                </Show>
                <Show when={agreement()}>
                  {value => (
                    <section class="section">
                      <h2>{t().agreement}</h2>
                      <AgreementFacts agreement={value()} />
                    </section>
                  )}
                </Show>
              </div>
            </div>
            <Show when={known().notes.length > 0}>
              <section class="section">
                <h2>{t().result.notes}</h2>
                <ul class="notes" data-testid="report-notes">
                  <For each={known().notes}>
                    {note => (
                      <li>
                        <Said words={note} />
                      </li>
                    )}
                  </For>
                </ul>
              </section>
            </Show>
            <Show when={model()}>{id => <AnswersView project={props.project} model={id()} />}</Show>
            <Show when={studio.layers().length > 0}>
              <Layers layers={studio.layers()} name={props.project.name} />
            </Show>
            <Show when={studio.layers().length > 0}>
              <Doctor project={props.project} />
            </Show>
            <Suspense>
              <ResultCharts project={props.project} report={known()} model={model()} after={after()} />
            </Suspense>
            <Show when={known().floatLeft.length > 0}>
              <FloatLeft rows={known().floatLeft} />
            </Show>
            <section class="section">
              <h2>{t().result.data}</h2>
              <Show
                when={dataClean()}
                fallback={<Findings skipped={known().data.skipped} suspicious={known().data.suspicious} />}
              >
                <p>{t().result.dataClean(format.whole(known().data.samples, locale()))}</p>
              </Show>
            </section>
            <Show when={known().optimized}>{optimized => <Optimized optimized={optimized()} />}</Show>
          </>
        )}
      </Show>
    </div>
  )
}
