// The run, step by step: what is done, what is on, how fast, how long still; and where the time went afterwards.
import { createMemo, createResource, For, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { Forecast } from '../parts/forecast.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'
import { Said } from '../parts/said.tsx'
import { Segmented } from '../parts/segmented.tsx'
import { TrainingChart } from '../parts/training-chart.tsx'
import { cutsOf, targetsOf } from '../state/recipe-edit.ts'
import type { Device } from '../state/run.ts'
import { progressWords, stepName } from '../state/stage-words.ts'
import { useStudio } from '../state/studio.ts'
import './run.css'

type Standing = 'done' | 'now' | 'waiting'

function Stage(props: { index: number; id: string; standing: Standing }) {
  const { run, catalogue } = useStudio()
  const time = () => run.times()[props.index]
  const seconds = () => {
    const known = time()
    return known ? ((known.ended ?? run.now()) - known.began) / 1000 : null
  }
  const progress = () => (props.standing === 'now' ? run.progress() : null)
  return (
    <li class={props.standing} aria-current={props.standing === 'now' ? 'step' : undefined}>
      <span class="dot" aria-hidden="true" />
      <strong>{stepName(props.id, t(), catalogue())}</strong>
      <span class="soft">
        <Show when={progress()} fallback={props.standing === 'done' ? t().run.finished : t().run.waiting}>
          {now => (
            <>
              {now().stage !== props.id ? `${stepName(now().stage, t(), catalogue())} ` : ''}
              {progressWords(now(), t(), locale()) || t().run.now}
              <Show when={now().note}>
                {note => (
                  <span class="soft">
                    {' '}
                    <Said words={note()} />
                  </span>
                )}
              </Show>
            </>
          )}
        </Show>
      </span>
      <span class="figure soft">{seconds() === null ? '' : format.duration(Math.max(0, seconds()!), locale())}</span>
      <Show when={progress()}>
        {now => <ProgressBar label={stepName(props.id, t(), catalogue())} done={now().done} total={now().total} />}
      </Show>
    </li>
  )
}

function Timing(props: { timing: Record<string, number> }) {
  const { catalogue } = useStudio()
  const rows = createMemo(() =>
    Object.entries(props.timing)
      .filter(([key, value]) => key !== 'totalMs' && key !== 'inferenceMs' && value > 0)
      .map(([key, value]) => ({ id: key.replace(/Ms$/, ''), value })),
  )
  const rest = () => props.timing.totalMs - rows().reduce((sum, row) => sum + row.value, 0)
  const most = () => Math.max(1, rest(), ...rows().map(row => row.value))
  const price = () =>
    props.timing.inferenceMs > 0 && props.timing.calibrateMs > 0
      ? props.timing.calibrateMs / props.timing.inferenceMs
      : null
  const name = (id: string) =>
    id === 'rest'
      ? t().run.rest
      : id === 'import'
        ? t().place.model
        : id === 'calibrate'
          ? t().data.calibration
          : stepName(id, t(), catalogue())
  return (
    <section class="section">
      <h2>{t().run.timing}</h2>
      <dl class="bars">
        <For each={rest() > 0 ? [...rows(), { id: 'rest', value: rest() }] : rows()}>
          {row => (
            <>
              <dt>{name(row.id)}</dt>
              <dd>
                <span class="bar-length" style={{ width: `${(row.value / most()) * 60}%` }} />
                <span>{format.milliseconds(row.value, locale())}</span>
              </dd>
            </>
          )}
        </For>
        <dt>{t().export.total}</dt>
        <dd>
          <b>{format.milliseconds(props.timing.totalMs, locale())}</b>
        </dd>
      </dl>
      <Show when={price()}>{times => <p class="soft">{t().run.price(format.decimal(times(), 2, locale()))}</p>}</Show>
    </section>
  )
}

/** What the first target would refuse is known before the run. */
function Refused(props: { project: ProjectView }) {
  const { api, show, run, catalogue } = useStudio()
  const [linted] = createResource(
    () => {
      const [target] = targetsOf(props.project.recipe)
      // A run has the machine to itself.
      return target && !run.running() ? JSON.stringify([props.project.id, target, cutsOf(props.project.recipe)]) : null
    },
    key => {
      const [id, target] = JSON.parse(key) as [string, string]
      return api.lint(id, target)
    },
  )
  const refused = () => {
    const answer = linted.state === 'ready' ? linted() : undefined
    const count = answer?.ok ? answer.value.findings.filter(f => f.level === 'refused' && f.form === null).length : 0
    return answer?.ok && count > 0 ? { target: answer.value.target, count } : null
  }
  const label = (id: string) => inWords(catalogue()?.targets.find(known => known.id === id)?.label ?? id)
  return (
    <Show when={!run.running() && refused()}>
      {known => (
        <p class="note bad-note row" data-testid="refused">
          <span>{t().lint.stop(label(known().target), known().count)}</span>
          <button type="button" class="link" onClick={() => show('model')}>
            {t().lint.see}
          </button>
        </p>
      )}
    </Show>
  )
}

/** Asked for at this click, and remembered. */
function Notify() {
  const { notices } = useStudio()
  const why = () => {
    const state = notices.state()
    return state === 'missing' || state === 'blocked' ? state : null
  }
  return (
    <label class="field check">
      <input
        type="checkbox"
        data-testid="notify"
        checked={notices.state() === 'on'}
        disabled={why() !== null}
        onChange={event => {
          const box = event.currentTarget
          void notices.set(box.checked).then(() => {
            box.checked = notices.state() === 'on'
          })
        }}
      />
      <span>
        {t().notices.wanted}
        <Show when={why()}>{state => <span class="soft"> {t().notices[state()]}</span>}</Show>
      </span>
    </label>
  )
}

export function RunPlace(props: { project: ProjectView }) {
  const studio = useStudio()
  const { run, capabilities } = studio
  const standing = (k: number): Standing => {
    const now = run.progress()
    if (run.here() && now) return k < now.step ? 'done' : k === now.step ? 'now' : 'waiting'
    return !run.here() && props.project.stage === 'done' ? 'done' : 'waiting'
  }
  const gpu = () => capabilities()?.webgpu.available && capabilities()?.webgpu.verified !== false
  const action = () =>
    props.project.stage === 'interrupted' ? t().run.goOn : props.project.report ? t().run.again : t().run.start
  return (
    <div class="place run-place">
      <h1>{t().run.title}</h1>
      <Show when={props.project.stage === 'interrupted' && !run.here()}>
        <p class="note warn-note">{t().home.interrupted(props.project.name)}</p>
      </Show>
      <Show when={!props.project.calibration && !run.running()}>
        <p class="note warn-note row">
          <span>{t().run.noData}</span>
          <button type="button" class="link" onClick={() => studio.show('data')}>
            {t().run.addData}
          </button>
        </p>
      </Show>
      <Refused project={props.project} />
      <Show when={!run.here() && run.running()}>
        {id => (
          <p class="note row" data-testid="runs-elsewhere">
            <span>{t().projects.runsElsewhere(studio.project.nameOf(id()))}</span>
            <button type="button" class="link" onClick={() => studio.go({ project: id(), place: 'run' })}>
              {t().projects.goThere}
            </button>
          </p>
        )}
      </Show>
      <div class="row run-controls">
        <Show
          when={run.here()}
          fallback={
            <button
              type="button"
              class="button first"
              data-testid="run-button"
              disabled={props.project.readOnly || studio.project.busy() !== null || run.running() !== null}
              onClick={() => void studio.start()}
            >
              <Icon name="play" />
              {action()}
            </button>
          }
        >
          <button
            type="button"
            class="button"
            data-testid="stop-run"
            disabled={run.stopping()}
            onClick={() => void run.stop()}
          >
            <Icon name="stop" />
            {run.stopping() ? t().run.stopping : t().run.stop}
          </button>
        </Show>
        <Show when={props.project.report && !run.here()}>
          <button type="button" class="button" onClick={() => studio.show('result')}>
            {t().run.seeResult}
          </button>
        </Show>
        <Segmented<Device>
          label={t().run.device}
          value={run.device()}
          disabled={run.running() !== null || props.project.readOnly}
          choices={[
            { value: 'auto', label: t().run.auto },
            {
              value: 'webgpu',
              label: t().run.webgpu,
              disabled: !gpu(),
              title: gpu() ? undefined : t().run.unavailable,
            },
            { value: 'wasm', label: t().run.wasm },
          ]}
          onChange={run.setDevice}
        />
        <span class="soft small">{t().run.deviceAbout}</span>
      </div>
      <Notify />
      <Forecast project={props.project} />
      <Show when={run.stopped() === props.project.id && !run.running()}>
        <p class="note">{t().run.stopped}</p>
      </Show>
      <section class="section">
        <h2>{t().run.stages}</h2>
        <ol class="stages">
          <For each={props.project.recipe.steps}>
            {(step, k) => <Stage index={k()} id={step.do} standing={standing(k())} />}
          </For>
        </ol>
      </section>
      <Show when={run.here() && run.learning()}>
        {learning => (
          <TrainingChart
            learning={learning().known}
            by={stepName(props.project.recipe.steps[learning().step]?.do ?? '', t(), studio.catalogue())}
            about={t().charts.training.live}
            file={`${props.project.name}-training`}
          />
        )}
      </Show>
      <Show when={!run.here() && props.project.report}>{report => <Timing timing={report().timing} />}</Show>
    </div>
  )
}
