// What the steps of the recipe have tried on their way, and what each gave.
import { createMemo, For, Show } from 'solid-js'
import type { Report } from '../../jobs/report.ts'
import type { Found } from '../../recipe/steps/search-options.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'

const words = () => t().charts.tried

function Candidates(props: { found: Found }) {
  const rows = createMemo(() => [...props.found.tried].sort((a, b) => a.bytes - b.bytes))
  const { chosen } = props.found
  return (
    <section class="section" data-testid="tried">
      <div>
        <h2>{words().title}</h2>
        <p class="soft">{words().about(format.whole(props.found.judgedOn, locale()))}</p>
      </div>
      <div class="scroll-x">
        <table class="table" aria-label={words().label}>
          <thead>
            <tr>
              <th scope="col" class="figure">
                {words().bytes}
              </th>
              <th scope="col" class="figure">
                {words().predicted}
              </th>
              <th scope="col" class="figure">
                {words().measured}
              </th>
              <th scope="col" class="figure">
                {words().loss}
              </th>
              <td />
            </tr>
          </thead>
          <tbody>
            <For each={rows()}>
              {({ bytes, predicted, measured, loss }) => (
                <tr>
                  <td class="figure">{format.bytes(bytes, locale())}</td>
                  <td class="figure">{format.decibel(predicted.sqnrDb, locale())}</td>
                  <td class="figure">{format.decibel(measured.sqnrDb, locale())}</td>
                  <td class="figure">{format.percent(loss, 2, locale())}</td>
                  <td>{bytes === chosen.bytes && measured.sqnrDb === chosen.measured.sqnrDb ? words().taken : ''}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </section>
  )
}

/** Of the search, and of pruning, where the recipe has them. */
export function Tried(props: { report: Report }) {
  const found = () => (props.report.steps.find(step => step.do === 'search')?.found as Found | null | undefined) ?? null
  return (
    <>
      <Show when={found()}>{known => <Candidates found={known()} />}</Show>
      <Show when={props.report.pruned}>
        {pruned => (
          <section class="section" data-testid="pruned">
            <div>
              <h2>{words().pruned}</h2>
              <p class="soft">{words().prunedAbout}</p>
            </div>
            <ul class="tried-groups">
              <For each={pruned().groups}>
                {({ layer, before, after }) => (
                  <li>
                    <span class="mono">{layer}</span>
                    <progress max={before} value={after} aria-label={layer} />
                    <span class="figure">{words().left(after, before)}</span>
                  </li>
                )}
              </For>
            </ul>
          </section>
        )}
      </Show>
    </>
  )
}
