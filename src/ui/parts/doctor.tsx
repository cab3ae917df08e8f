// Why did accuracy fall? The layers that the error comes from, what in their numbers makes it, and what was measured to help.
import { For, Show, Suspense } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Blamed } from '../../jobs/blame.ts'
import type { Diagnosis, TriedRemedy } from '../../jobs/diagnose.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { createJob } from '../state/job.ts'
import { withRemedy } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { JobControl } from './job-control.tsx'
import { Said } from './said.tsx'
import { SamplePicture } from './sample-view.tsx'
import './doctor.css'

const times = (value: number): string => format.decimal(value, value >= 100 ? 0 : 1, locale())
const level = (value: number): string => format.decimal(value, Math.abs(value) >= 100 ? 0 : 2, locale())

function causeWords(cause: Blamed['causes'][number]): string {
  const words = t().doctor
  switch (cause.kind) {
    case 'outlier-channel':
      return words.channel[cause.of](cause.channel, times(cause.times))
    case 'clipped':
      return words.clipped(words.rounding[cause.of], level(cause.reaches), level(cause.cutAt))
    case 'shared-scale':
      return words.shared(words.rounding[cause.of], times(cause.times))
    case 'long-tail':
      return words.tail(words.rounding[cause.of], times(cause.times))
    case 'few-bits':
      return words.fewBits(words.rounding[cause.of], cause.bits)
  }
}

function Layer(props: { layer: Blamed }) {
  const { select } = useStudio()
  const percent = (share: number) => format.percent(100 * share, 0, locale())
  return (
    <li>
      <div class="doctor-layer">
        <button type="button" class="link mono" onClick={() => select(props.layer.node)}>
          {props.layer.node}
        </button>
        <span class="soft">{props.layer.op}</span>
      </div>
      <div class="doctor-share">
        <span class="doctor-bar" aria-hidden="true">
          <span style={{ width: `${100 * props.layer.share}%` }} />
        </span>
        <span class="figure">{t().doctor.share(percent(props.layer.share))}</span>
        <span class="soft small">
          {props.layer.roundings
            .filter(({ share }) => share >= 0.005)
            .map(({ of, share }) => `${t().doctor.rounding[of]} ${percent(share)}`)
            .join(' · ')}
        </span>
      </div>
      <For each={props.layer.causes}>{cause => <p>{causeWords(cause)}</p>}</For>
    </li>
  )
}

function Remedies(props: { found: Diagnosis; project: ProjectView }) {
  const { project, run, select, start } = useStudio()
  const words = () => t().doctor
  const locked = () => props.project.readOnly || run.running() !== null
  const use = async ({ quantize }: TriedRemedy) => {
    await project.editRecipe(recipe => withRemedy(recipe, quantize))
    await start()
  }
  return (
    <div class="scroll-x">
      <table class="table" data-testid="remedies">
        <thead>
          <tr>
            <th scope="col">{words().remedy}</th>
            <th scope="col">{words().for}</th>
            <th scope="col">{words().gain}</th>
            <th scope="col">{words().answers}</th>
            <th scope="col">{words().price}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          <For each={props.found.remedies}>
            {remedy => (
              <tr>
                <td>{words().kind[remedy.kind](inWords(remedy.to))}</td>
                <td class="doctor-for">
                  <Show when={remedy.nodes.length > 0} fallback={<span class="soft">{words().whole}</span>}>
                    <For each={remedy.nodes}>
                      {node => (
                        <button type="button" class="link mono" title={node} onClick={() => select(node)}>
                          {node}
                        </button>
                      )}
                    </For>
                  </Show>
                </td>
                <td>{format.signed(remedy.sqnrDb - props.found.before.sqnrDb, 1, locale())} dB</td>
                <td>{format.percent(remedy.loss, 1, locale())}</td>
                <td>
                  {remedy.bytes > props.found.before.bytes ? '+' : ''}
                  {format.bytes(remedy.bytes - props.found.before.bytes, locale())}
                </td>
                <td>
                  <button type="button" class="button" disabled={locked()} onClick={() => void use(remedy)}>
                    {words().use}
                  </button>
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <Show when={props.found.untried > 0}>
        <p class="soft small">{words().untried(props.found.untried)}</p>
      </Show>
    </div>
  )
}

function Found(props: { found: Diagnosis; project: ProjectView }) {
  const words = () => t().doctor
  return (
    <>
      <p>
        {words().found(
          format.decibel(props.found.before.sqnrDb, locale()),
          format.percent(props.found.before.loss, 1, locale()),
          format.whole(props.found.samples, locale()),
        )}
      </p>
      <For each={props.found.data}>
        {what => (
          <p class="note warn-note">
            <Said words={what} />
          </p>
        )}
      </For>
      <div class="doctor-findings">
        <Show when={props.found.blamed.length > 0} fallback={<p>{words().even}</p>}>
          <ol class="doctor-layers" data-testid="blamed">
            <For each={props.found.blamed}>{layer => <Layer layer={layer} />}</For>
          </ol>
        </Show>
        <Show when={props.found.worst}>
          {worst => (
            <div>
              <h3>{words().worst}</h3>
              <SamplePicture project={props.project} of="calibration" index={worst().index} />
              <p class="small">{format.decibel(worst().sqnrDb, locale())}</p>
            </div>
          )}
        </Show>
      </div>
      <Show when={props.found.remedies.length > 0}>
        <h3>{words().remedies}</h3>
        <Remedies found={props.found} project={props.project} />
      </Show>
    </>
  )
}

/** Of the variant that is shown; it can be looked for where that is what the settings came to. */
export function Doctor(props: { project: ProjectView }) {
  const job = createJob<Diagnosis>(
    (api, id, variant) => api.diagnosis(id, variant),
    (api, id, device, onProgress) => api.diagnose(id, device, onProgress),
  )
  const words = () => t().doctor
  const missing = () =>
    job.missing() === 'run' ? words().needsRun : job.missing() === 'samples' ? words().needsSamples : null
  return (
    <section class="section doctor" data-testid="doctor" aria-busy={job.busy()}>
      <div class="row apart">
        <div>
          <h2>{words().title}</h2>
          <p class="soft">{missing() ?? words().about}</p>
        </div>
        <JobControl
          job={job}
          action={job.found.latest ? words().again : words().look}
          doing={words().looking}
          testid="diagnose"
        />
      </div>
      {/* Its own boundary: the rest of the result is not to wait for it. */}
      <Suspense>
        <Show when={job.found.latest}>{found => <Found found={found()} project={props.project} />}</Show>
      </Suspense>
    </section>
  )
}
