// All that was tried: as points of cost and quality, as a list that can be named, used again and pruned, and any two side by side.
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { ProjectView, VariantView } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { Ask } from '../parts/ask.tsx'
import { CompareLatency } from '../parts/compare-latency.tsx'
import { CompareTable } from '../parts/compare-table.tsx'
import { Icon } from '../parts/icon.tsx'
import { Look } from '../parts/look.tsx'
import { type ChartPoint, ParetoChart } from '../parts/pareto-chart.tsx'
import { Segmented } from '../parts/segmented.tsx'
import { save } from '../state/save.ts'
import { type Compared, comparable } from '../state/sides.ts'
import { useStudio } from '../state/studio.ts'
import { variantsCsv } from '../state/variants-csv.ts'
import './compare.css'

type X = 'size' | 'latency'
type Y = 'accuracy' | 'sqnr'

function Chart(props: { compared: readonly Compared[] }) {
  const studio = useStudio()
  const [x, setX] = createSignal<X>('size')
  const [wantedY, setY] = createSignal<Y>('accuracy')
  const judged = () => props.compared.some(({ side }) => side.accuracy !== null)
  const y = (): Y => (judged() ? wantedY() : 'sqnr')
  const across = ({ side }: Compared): number | null => (x() === 'size' ? side.bytes : (side.latencyMs?.median ?? null))
  const upwards = ({ side, agreement }: Compared): number | null =>
    y() === 'accuracy' ? (side.accuracy?.value ?? null) : (agreement?.sqnrDb ?? null)
  const points = createMemo(() =>
    props.compared.flatMap((entry): ChartPoint[] => {
      const [a, b] = [across(entry), upwards(entry)]
      if (a === null || b === null || !Number.isFinite(b)) return []
      const interval = y() === 'accuracy' ? entry.side.accuracy?.interval95 : undefined
      const shown = entry.variant !== null && entry.variant === studio.variants.shown()
      const kind = entry.variant === null ? 'original' : shown ? 'shown' : 'variant'
      return [{ id: entry.id, name: entry.name, x: a, y: b, low: interval?.low, high: interval?.high, kind }]
    }),
  )
  const choose = (id: string) => {
    const { variant } = props.compared.find(entry => entry.id === id)!
    if (variant === null) return
    studio.variants.choose(variant)
    studio.show('result')
  }
  const xName = () => t().chart[x()]
  const yName = () => t().chart[y()]
  return (
    <section class="section" data-testid="chart">
      <div class="row apart">
        <h2>{t().chart.title}</h2>
        <div class="row">
          <Segmented<Y>
            label={t().chart.y}
            value={y()}
            choices={[
              { value: 'accuracy', label: t().chart.accuracy, disabled: !judged() },
              { value: 'sqnr', label: t().chart.sqnr },
            ]}
            onChange={setY}
          />
          <Segmented<X>
            label={t().chart.x}
            value={x()}
            choices={[
              { value: 'size', label: t().chart.size },
              { value: 'latency', label: t().chart.latency },
            ]}
            onChange={setX}
          />
        </div>
      </div>
      <Show when={points().length > 0} fallback={<p class="soft">{t().chart.empty}</p>}>
        <ParetoChart
          label={t().chart.label(yName(), xName(), points().length)}
          xName={xName()}
          yName={yName()}
          points={points()}
          showX={value => (x() === 'size' ? format.bytes(value, locale()) : format.milliseconds(value, locale()))}
          showY={value => (y() === 'accuracy' ? format.percent(value, 1, locale()) : format.decibel(value, locale()))}
          onChoose={choose}
        />
        <p class="soft small">
          <span class="front-key" aria-hidden="true" /> {t().chart.front} {t().chart.help}
        </p>
      </Show>
    </section>
  )
}

function VariantRow(props: { project: ProjectView; variant: VariantView; onRename: () => void }) {
  const { variants, project, run, show } = useStudio()
  const locked = () => props.project.readOnly || run.running() !== null
  const first = () => props.variant.figures[0]
  const accuracy = () => first()?.after.accuracy
  const inUse = () => JSON.stringify(props.variant.recipe) === JSON.stringify(props.project.recipe)
  return (
    <tr data-testid="variant-row" classList={{ chosen: props.variant.id === variants.shown() }}>
      <th scope="row">
        <span class="row tight">
          <button
            type="button"
            class="link"
            title={t().variants.show}
            onClick={() => {
              variants.choose(props.variant.id)
              show('result')
            }}
          >
            {props.variant.name}
          </button>
          <button
            type="button"
            class="button bare icon"
            aria-label={`${t().rename}: ${props.variant.name}`}
            title={t().rename}
            disabled={locked()}
            onClick={() => props.onRename()}
          >
            <Icon name="pencil" />
          </button>
        </span>
      </th>
      <td class="figure">
        <Show when={first()} fallback={format.missing}>
          {known => (
            <>
              {format.bytes(known().after.bytes, locale())}{' '}
              <span class="soft">{format.change(known().before.bytes, known().after.bytes, locale())}</span>
            </>
          )}
        </Show>
      </td>
      <td class="figure">
        <Show when={accuracy()} fallback={format.missing}>
          {known => (
            <>
              {format.percent(known().value, 2, locale())}{' '}
              <Show when={first()?.before.accuracy}>
                {before => <span class="soft">{format.signed(known().value - before().value, 2, locale())}</span>}
              </Show>
            </>
          )}
        </Show>
      </td>
      <td class="figure lesser">{format.decibel(first()?.agreement?.sqnrDb ?? null, locale())}</td>
      <td class="figure lesser">
        {first()?.after.latencyMs ? format.milliseconds(first()!.after.latencyMs!.median, locale()) : format.missing}
      </td>
      <td class="soft lesser made">{format.whenChanged(props.variant.made, Date.now(), locale())}</td>
      <td class="actions">
        <button
          type="button"
          class="button"
          disabled={locked() || inUse()}
          title={inUse() ? t().variants.used : undefined}
          onClick={() => void project.setRecipe(props.variant.recipe).then(done => done && show('recipe'))}
        >
          <Icon name="copy" />
          <span class="words">{t().variants.use}</span>
        </button>
        <button
          type="button"
          class="button bare icon"
          aria-label={`${t().remove}: ${props.variant.name}`}
          title={t().remove}
          disabled={locked()}
          onClick={() => void variants.remove(props.variant)}
        >
          <Icon name="close" />
        </button>
      </td>
    </tr>
  )
}

function Variants(props: { project: ProjectView }) {
  const { variants } = useStudio()
  const [renaming, setRenaming] = createSignal<VariantView | null>(null)
  const [name, setName] = createSignal('')
  return (
    <section class="section" data-testid="variants">
      <div class="row apart">
        <div>
          <h2>{t().variants.list}</h2>
          <p class="soft">{t().variants.about}</p>
        </div>
        <button
          type="button"
          class="button"
          onClick={() =>
            void save(
              `${props.project.name}-variants.csv`,
              async () => new Blob([variantsCsv(variants.list())], { type: 'text/csv' }),
            )
          }
        >
          {t().variants.csv}
        </button>
      </div>
      <Show when={variants.deleted()}>
        {gone => (
          <p class="note row" role="status" data-testid="deleted">
            {t().variants.deleted(gone().name)}
            <button type="button" class="link" onClick={() => void variants.restore()}>
              {t().variants.undo}
            </button>
          </p>
        )}
      </Show>
      <div class="scroll-x">
        <table class="table variants">
          <thead>
            <tr>
              <th scope="col">{t().variants.variant}</th>
              <th scope="col" class="figure">
                {t().bytes}
              </th>
              <th scope="col" class="figure">
                {t().accuracy}
              </th>
              <th scope="col" class="figure lesser">
                {t().chart.sqnr}
              </th>
              <th scope="col" class="figure lesser">
                {t().chart.latency}
              </th>
              <th scope="col" class="lesser">
                {t().variants.made}
              </th>
              <th scope="col">
                <span class="unseen">{t().variants.use}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={variants.list()}>
              {variant => (
                <VariantRow
                  project={props.project}
                  variant={variant}
                  onRename={() => {
                    setName(variant.name)
                    setRenaming(variant)
                  }}
                />
              )}
            </For>
          </tbody>
        </table>
      </div>
      <Ask
        open={renaming() !== null}
        title={t().rename}
        action={t().rename}
        onDone={yes => {
          const variant = renaming()
          setRenaming(null)
          if (yes && variant && name().trim()) void variants.rename(variant.id, name().trim())
        }}
      >
        <input
          aria-label={t().variants.variant}
          data-testid="variant-name"
          value={name()}
          onInput={event => setName(event.currentTarget.value)}
          ref={input => setTimeout(() => input.select())}
        />
      </Ask>
    </section>
  )
}

function SidePicker(props: {
  label: string
  testid: string
  compared: readonly Compared[]
  value: string
  onChange: (id: string) => void
}) {
  return (
    <label class="field">
      <span class="name">{props.label}</span>
      <select
        data-testid={props.testid}
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        <For each={props.compared}>
          {entry => (
            <option value={entry.id} selected={entry.id === props.value}>
              {entry.name}
            </option>
          )}
        </For>
      </select>
    </label>
  )
}

function Two(props: { project: ProjectView; compared: readonly Compared[] }) {
  const studio = useStudio()
  const [left, setLeft] = createSignal<string | null>(null)
  const [right, setRight] = createSignal<string | null>(null)
  const find = (id: string | null) => props.compared.find(entry => entry.id === id)
  const a = () => find(left()) ?? props.compared[0]
  const b = () =>
    find(right()) ?? props.compared.find(({ variant }) => variant === studio.variants.shown()) ?? props.compared.at(-1)!
  const unpaired = () => {
    const [one, other] = [a().side.accuracy, b().side.accuracy]
    return one && other && one.samples !== other.samples
  }
  return (
    <>
      <section class="section" data-testid="two">
        <h2>{t().compare.two}</h2>
        <div class="two-pickers">
          <SidePicker
            label={t().compare.left}
            testid="left"
            compared={props.compared}
            value={a().id}
            onChange={setLeft}
          />
          <button
            type="button"
            class="button"
            onClick={() => {
              const [one, other] = [a().id, b().id]
              setLeft(other)
              setRight(one)
            }}
          >
            {t().compare.swap}
          </button>
          <SidePicker
            label={t().compare.right}
            testid="right"
            compared={props.compared}
            value={b().id}
            onChange={setRight}
          />
        </div>
        <CompareTable
          before={a().side}
          after={b().side}
          names={[a().name, b().name]}
          agreement={[a().agreement, b().agreement]}
        />
        <Show when={unpaired()}>
          <p class="note warn-note">{t().compare.notPaired}</p>
        </Show>
      </section>
      <Look project={props.project} sides={[a(), b()]} />
    </>
  )
}

export function ComparePlace(props: { project: ProjectView }) {
  const studio = useStudio()
  const compared = createMemo(() => comparable(props.project.variants, t().variants.original))
  return (
    <div class="place compare-place">
      <h1>{t().compare.title}</h1>
      <Show
        when={compared().length > 0}
        fallback={
          <p class="row">
            {t().variants.none}
            <button type="button" class="button" onClick={() => studio.show('run')}>
              {t().place.run}
            </button>
          </p>
        }
      >
        <Chart compared={compared()} />
        <CompareLatency compared={compared()} file={props.project.name} />
        <Variants project={props.project} />
        <Two project={props.project} compared={compared()} />
      </Show>
      <Show when={compared().length === 0 && studio.variants.deleted()}>
        <Variants project={props.project} />
      </Show>
    </div>
  )
}
