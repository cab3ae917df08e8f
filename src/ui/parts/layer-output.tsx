// What a layer's output holds, and its range to be drawn: the error of what is chosen is said while it is dragged, and letting go writes the
// range into the recipe.
import { createEffect, createSignal, For, on, Show } from 'solid-js'
import type { LookedInto } from '../../../workers/api.ts'
import type { Range } from '../../ir/quant.ts'
import type { LayerOutput as Output, Standing } from '../../jobs/layer-output.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { createAsked } from '../state/asked.ts'
import type { Count, LayerTrial } from '../state/layer-trial.ts'
import { readNumber } from '../state/number-text.ts'
import { rangeOf, setRange } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { estimatedLocal } from './estimated-local.ts'
import { ParsedField } from './field.tsx'
import { type Counting, type End, LayerHistogram } from './layer-histogram.tsx'
import { ProblemNote } from './problem-note.tsx'
import { ProgressBar } from './progress-bar.tsx'
import { Sqnr } from './sqnr.tsx'

const same = (a: Range, b: Range): boolean => a.min === b.min && a.max === b.max

export function LayerOutput(props: {
  of: LookedInto
  names: readonly string[]
  localDb: number | null
  counting: Counting
  trial: LayerTrial
}) {
  const { api, project } = useStudio()
  const [progress, setProgress] = createSignal<Count | null>(null)
  const asked = createAsked<Output | null>(
    () => JSON.stringify([project.view()!.id, props.of, props.names]),
    async key => {
      const [id, of, names] = JSON.parse(key) as [string, LookedInto, string[]]
      setProgress(null)
      return api.layerOutput(id, of, names, (done, total) => setProgress({ done, total }))
    },
  )
  const failed = () => {
    const error = asked.error()
    return error && error.code !== 'cancelled' ? error : null
  }
  return (
    <Show
      when={!asked.waiting()}
      fallback={
        <div class="row layer-going">
          <span class="soft small">{t().layer.observing}</span>
          <ProgressBar label={t().layer.observing} done={progress()?.done ?? 0} total={progress()?.total ?? null} />
          <button type="button" class="button" onClick={() => void api.stopLooking()}>
            {t().layer.stop}
          </button>
        </div>
      }
    >
      <Show when={asked.error()?.code === 'cancelled'}>
        <button type="button" class="button" onClick={asked.again}>
          {t().layer.observe}
        </button>
      </Show>
      <Show when={failed()}>{error => <ProblemNote error={error()} />}</Show>
      <Show
        when={asked.value()}
        fallback={
          <Show when={!asked.error()}>
            <p class="soft small">{t().layer.noOutput}</p>
          </Show>
        }
      >
        {output => (
          <Drawn
            of={props.of}
            output={output()}
            localDb={props.localDb}
            counting={props.counting}
            trial={props.trial}
            again={asked.again}
          />
        )}
      </Show>
    </Show>
  )
}

function Drawn(props: {
  of: LookedInto
  output: Output
  localDb: number | null
  counting: Counting
  trial: LayerTrial
  again: () => void
}) {
  const { api, project, run, showValue } = useStudio()
  const recipe = () => project.view()!.recipe
  const set = () => [props.output.value, ...props.output.shared]
  const given = () => rangeOf(recipe(), props.output.value)
  const [moved, setMoved] = createSignal<Range | null>(null)
  const range = (): Range => moved() ?? given() ?? props.output.range
  const [standing, setStanding] = createSignal<Standing>(props.output.standing)

  // One question at a time; of those that came meanwhile, the last.
  let next: Range | null = null
  let asking = false
  let turn = 0
  const settle = (known: Standing) => {
    turn++
    next = null
    setStanding(known)
  }
  async function follow(wanted: Range): Promise<void> {
    next = wanted
    if (asking) return
    asking = true
    while (next !== null) {
      const now: Range = next
      next = null
      const mine = turn
      const result = await api.standing(props.output.value, now)
      if (!result.ok) project.setError(result.error)
      else if (mine !== turn)
        continue // it was taken back meanwhile
      else if (result.value) setStanding(result.value)
      else props.again() // the thread that held it is a new one by now
    }
    asking = false
  }
  createEffect(
    on(
      () => [range(), props.output] as const,
      ([now, output]) => (same(now, output.range) ? settle(output.standing) : void follow(now)),
    ),
  )

  const locked = () => project.view()!.readOnly || run.running() !== null || props.output.fixed !== null
  const ends = (): End[] => [
    ...(props.output.symmetric || props.output.seen.min < 0 ? ['min' as const] : []),
    ...(props.output.symmetric || props.output.seen.max > 0 ? ['max' as const] : []),
  ]
  const move = (end: End, value: number) =>
    setMoved(props.output.symmetric ? { min: -Math.abs(value), max: Math.abs(value) } : { ...range(), [end]: value })
  async function take(): Promise<void> {
    const chosen = moved()
    if (!chosen) return
    const short = (value: number) => Number(value.toPrecision(5))
    await write({ min: short(chosen.min), max: short(chosen.max) })
    setMoved(null)
  }
  async function write(chosen: Range | null): Promise<void> {
    const { of, trial } = props
    if (await project.editRecipe(recipe => setRange(recipe, set(), chosen))) void trial.start(of, recipe())
  }
  const real = (value: number) => format.real(value, locale())
  const share = (value: number) => format.percent(100 * value, value > 0 && value < 0.001 ? 3 : 2, locale())
  const clipped = () => standing().below + standing().above
  const local = () =>
    props.localDb === null ? null : estimatedLocal(props.localDb, props.output.standing.sqnrDb, standing().sqnrDb)
  return (
    <>
      <LayerHistogram
        label={t().layer.histogramOf(props.output.value, format.whole(props.output.count, locale()))}
        bins={props.output.bins}
        counting={props.counting}
        handles={{
          range: range(),
          reach: standing().reach,
          ends: ends(),
          disabled: locked(),
          onMove: move,
          onDone: () => void take(),
          onCancel: () => setMoved(null),
        }}
      />
      <div class="layer-ends">
        <For each={ends()}>
          {end => (
            <ParsedField
              name={end === 'min' ? t().layer.from : t().layer.to}
              text={String(Number(range()[end].toPrecision(5)))}
              parse={text => {
                const value = readNumber(text)
                return value !== null && (end === 'min' ? value <= 0 : value >= 0) ? value : null
              }}
              numeric
              disabled={locked()}
              onChange={value => {
                move(end, value)
                void take()
              }}
            />
          )}
        </For>
      </div>
      <dl class="facts" aria-live="off">
        <dt>{t().layer.rounded}</dt>
        <dd data-testid="output-sqnr">
          <Sqnr db={standing().sqnrDb} />
          <Show when={!same(range(), props.output.range)}>
            {' '}
            <span class="soft">
              ({t().layer.ofRun} {format.decibel(props.output.standing.sqnrDb, locale())})
            </span>
          </Show>
        </dd>
        <Show when={local() !== null}>
          <dt>{t().layer.estimated}</dt>
          <dd data-testid="local-sqnr">
            <Sqnr db={local()} />
          </dd>
        </Show>
        <dt>{t().layer.clipped}</dt>
        <dd data-testid="clipped">{share(clipped())}</dd>
      </dl>
      <p class="soft small">
        {t().layer.seen(
          real(props.output.seen.min),
          real(props.output.seen.max),
          format.whole(props.output.samples, locale()),
        )}
        . <Show when={props.output.zeros > 0}>{t().layer.zeros(share(props.output.zeros / props.output.count))} </Show>
        <Show when={props.output.fixed} fallback={t().layer.rangeKeys}>
          {t().layer.fixed}
        </Show>
      </p>
      <Show when={given()}>
        <p class="row small">
          <span>{t().layer.chosenByHand}</span>
          <button type="button" class="link" disabled={locked()} onClick={() => void write(null)}>
            {t().layer.takeRangeBack}
          </button>
        </p>
      </Show>
      <Show when={props.output.shared.length > 0}>
        <p class="small layer-links">
          {t().layer.sharedWith}{' '}
          <For each={props.output.shared}>
            {name => (
              <button type="button" class="link mono" onClick={() => showValue(name)}>
                {name}
              </button>
            )}
          </For>
        </p>
      </Show>
    </>
  )
}
