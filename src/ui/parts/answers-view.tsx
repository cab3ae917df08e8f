// Every sample answered by the original and the variant: who is taken for whom, and the samples whose answer changed, as pictures.
import { createMemo, createSignal, For, Match, Show, Switch } from 'solid-js'
import type { ModelId, ProjectView } from '../../../workers/api.ts'
import { baseName } from '../../base/paths.ts'
import type { Answered, Answers } from '../../jobs/answers.ts'
import type { FoundBoxes } from '../../tasks/types.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { type Confusion, changed, confusedPairs, confusion, kindOf, leastAlike } from '../state/answers.ts'
import type { Role } from '../state/project.ts'
import { useStudio } from '../state/studio.ts'
import { type BoxSet, boxCount } from './box-picture.tsx'
import { CosineBar } from './cosine-bar.tsx'
import { ProgressBar } from './progress-bar.tsx'
import { Said } from './said.tsx'
import { SamplePicture } from './sample-view.tsx'
import './answers-view.css'

// More classes than this make a table that nobody reads.
const mostClasses = 24
const atATime = 12

const change = (n: number): string => (n === 0 ? '' : format.signed(n, 0, locale()))

function Table(props: { confusion: Confusion }) {
  const { classes } = useStudio()
  const most = () =>
    Math.max(1, ...props.confusion.after.map((row, k) => Math.max(...row.filter((_, j) => j !== k), 0)))
  return (
    <div class="scroll-x">
      <table class="table confusion" data-testid="confusion">
        <thead>
          <tr>
            <th scope="col">
              {t().answers.label} ╲ {t().answers.answer}
            </th>
            <For each={props.confusion.classes}>
              {id => (
                <th scope="col" class="figure">
                  {classes().ofAnswer(id)}
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody>
          <For each={props.confusion.classes}>
            {(id, row) => (
              <tr>
                <th scope="row">{classes().ofAnswer(id)}</th>
                <For each={props.confusion.classes}>
                  {(other, column) => {
                    const now = () => props.confusion.after[row()][column()]
                    const moved = () => now() - props.confusion.before[row()][column()]
                    const wrong = () => row() !== column() && now() > 0
                    return (
                      <td
                        class="figure"
                        classList={{ right: row() === column(), none: now() === 0 && moved() === 0 }}
                        style={{ '--share': wrong() ? String(now() / most()) : '0' }}
                        title={t().answers.cell(
                          classes().ofAnswer(id),
                          classes().ofAnswer(other),
                          format.whole(now(), locale()),
                          change(moved()) || '0',
                        )}
                      >
                        {now() === 0 && moved() === 0 ? '·' : format.whole(now(), locale())}
                        <Show when={moved() !== 0}>
                          <small> {change(moved())}</small>
                        </Show>
                      </td>
                    )
                  }}
                </For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  )
}

function Pairs(props: { confusion: Confusion }) {
  const { classes } = useStudio()
  return (
    <>
      <p>{t().answers.pairs}</p>
      <div class="scroll-x">
        <table class="table pairs" data-testid="confusion">
          <thead>
            <tr>
              <th scope="col">{t().answers.label}</th>
              <th scope="col">{t().answers.answer}</th>
              <th scope="col" class="figure">
                {t().answers.count}
              </th>
              <th scope="col" class="figure">
                {t().change}
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={confusedPairs(props.confusion).slice(0, mostClasses)}>
              {pair => (
                <tr>
                  <td>{classes().ofAnswer(pair.label)}</td>
                  <td>{classes().ofAnswer(pair.answer)}</td>
                  <td class="figure">{format.whole(pair.after, locale())}</td>
                  <td class="figure soft">{change(pair.after - pair.before) || '0'}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </>
  )
}

function ChangedSample(props: { project: ProjectView; role: Role; sample: Answered }) {
  const { classes } = useStudio()
  const answer = (value: Answered['before'] | Answered['label']) =>
    value === null
      ? format.missing
      : typeof value !== 'object'
        ? typeof value === 'number'
          ? classes().ofAnswer(value)
          : value
        : value.kind === 'boxes'
          ? boxCount(value.boxes.length)
          : ''
  // The unit stands once, behind the second.
  const was = () => {
    const { before } = props.sample
    const boxes = typeof before === 'object' && before?.kind === 'boxes' ? before.boxes : null
    return boxes ? format.whole(boxes.length, locale()) : answer(before)
  }
  const sets = (): BoxSet[] | null => {
    const { before, after } = props.sample
    const isBoxes = (value: Answered['before']) => typeof value === 'object' && value?.kind === 'boxes'
    return isBoxes(before) && isBoxes(after)
      ? [
          { of: 'before', boxes: (before as FoundBoxes).boxes },
          { of: 'after', boxes: (after as FoundBoxes).boxes },
        ]
      : null
  }
  return (
    <li data-testid="changed-sample">
      <div class="frame">
        <SamplePicture project={props.project} of={props.role} index={props.sample.index} bare sets={sets()} />
      </div>
      <p>
        <Show when={props.sample.before !== null}>
          <b class={kindOf(props.sample)}>
            {was()} → {answer(props.sample.after)}
          </b>
        </Show>
        <Show when={(sets() || props.sample.before === null) && props.sample.alike !== null}>
          <span class="soft share">{t().tasks.alike(format.percent(100 * props.sample.alike!, 1, locale()))}</span>
        </Show>
        <Show when={props.sample.label !== null}>
          <span class="soft share">
            {t().answers.label} {answer(props.sample.label)}
          </span>
        </Show>
      </p>
      <p class="mono soft name" title={props.sample.name}>
        {endOf(props.sample.name)}
      </p>
    </li>
  )
}

/** Of a sample's name the part that tells it from its neighbours: where it lies in its file, or the file without its folders. */
const endOf = (name: string): string => /\[\d+\]$/.exec(name)?.[0] ?? baseName(name)

const kinds = ['lost', 'won', 'other'] as const

function Changed(props: { project: ProjectView; role: Role; samples: readonly Answered[] }) {
  const [shown, setShown] = createSignal<Readonly<Record<string, number>>>({})
  const of = (kind: (typeof kinds)[number]) => props.samples.filter(sample => kindOf(sample) === kind)
  const limit = (kind: string) => shown()[kind] ?? atATime
  return (
    <For each={kinds}>
      {kind => (
        <Show when={of(kind).length > 0}>
          <section class="changed-kind">
            <h3>
              <span class={kind}>{format.whole(of(kind).length, locale())}</span> {t().answers[kind]}
            </h3>
            <ul class="changed">
              <For each={of(kind).slice(0, limit(kind))}>
                {sample => <ChangedSample project={props.project} role={props.role} sample={sample} />}
              </For>
            </ul>
            <Show when={of(kind).length > limit(kind)}>
              <button
                type="button"
                class="link"
                onClick={() => setShown({ ...shown(), [kind]: limit(kind) + 2 * atATime })}
              >
                {t().answers.more(format.whole(of(kind).length - limit(kind), locale()))}
              </button>
            </Show>
          </section>
        </Show>
      )}
    </For>
  )
}

/** Answers that are never quite the same: those that are least alike. */
function LeastAlike(props: { project: ProjectView; role: Role; samples: readonly Answered[] }) {
  const [shown, setShown] = createSignal(atATime)
  const furthest = createMemo(() => leastAlike(props.samples))
  return (
    <section class="changed-kind">
      <h3>{t().tasks.leastAlike}</h3>
      <ul class="changed">
        <For each={furthest().slice(0, shown())}>
          {sample => <ChangedSample project={props.project} role={props.role} sample={sample} />}
        </For>
      </ul>
      <Show when={furthest().length > shown()}>
        <button type="button" class="link" onClick={() => setShown(shown() + 2 * atATime)}>
          {t().answers.more(format.whole(furthest().length - shown(), locale()))}
        </button>
      </Show>
    </section>
  )
}

// Cosines of a good variant are near 1.
const digits = 5

/** The angle of every sample's vector to the original's, the furthest on top. */
function Cosines(props: { samples: readonly Answered[] }) {
  const [shown, setShown] = createSignal(2 * atATime)
  const furthest = createMemo(() => leastAlike(props.samples))
  const cosine = (value: number) => format.decimal(value, digits, locale())
  const missing = (value: number) => (1 - value) / Math.max(1 - furthest()[0].alike, Number.EPSILON)
  return (
    <section class="changed-kind" data-testid="cosines">
      <h3>{t().tasks.cosines}</h3>
      <p>{t().tasks.lowest(cosine(furthest()[0].alike), format.whole(furthest().length, locale()))}</p>
      <p class="soft small">{t().tasks.missing}</p>
      <ul class="cosines">
        <For each={furthest().slice(0, shown())}>
          {({ name, alike }) => (
            <li>
              <span class="mono name" title={name}>
                {name}
              </span>
              <CosineBar value={alike} label={t().tasks.cosine} share={missing(alike)} digits={digits} />
            </li>
          )}
        </For>
      </ul>
      <Show when={furthest().length > shown()}>
        <button type="button" class="link" onClick={() => setShown(shown() + 4 * atATime)}>
          {t().answers.more(format.whole(furthest().length - shown(), locale()))}
        </button>
      </Show>
    </section>
  )
}

function Found(props: { project: ProjectView; role: Role; answers: Answers }) {
  const moved = createMemo(() => changed(props.answers.samples))
  const table = createMemo(() => confusion(props.answers.samples))
  const total = () => format.whole(props.answers.samples.length, locale())
  return (
    <>
      <Show when={props.answers.task !== 'embed'} fallback={<Cosines samples={props.answers.samples} />}>
        <p data-testid="changed-count">
          <strong>
            {moved().length === 0
              ? t().answers.same(total())
              : t().answers.changed(format.whole(moved().length, locale()), total())}
          </strong>
        </p>
      </Show>
      <Show when={props.answers.misfit}>
        {why => (
          <p class="note warn-note">
            <Said words={why()} />
          </p>
        )}
      </Show>
      <Switch fallback={<Changed project={props.project} role={props.role} samples={moved()} />}>
        <Match when={props.answers.task === 'embed'}>{null}</Match>
        <Match when={props.answers.task === 'segment' && moved().length === 0}>{null}</Match>
        <Match when={props.answers.task === 'segment'}>
          <LeastAlike project={props.project} role={props.role} samples={moved()} />
        </Match>
      </Switch>
      <Show when={table()}>
        {known => (
          <section class="changed-kind">
            <h3>{t().answers.confusion}</h3>
            <p class="soft">{t().answers.confusionAbout}</p>
            <Show when={known().classes.length <= mostClasses} fallback={<Pairs confusion={known()} />}>
              <Table confusion={known()} />
            </Show>
          </section>
        )}
      </Show>
    </>
  )
}

/** `model` is compared with the original. */
export function AnswersView(props: { project: ProjectView; model: ModelId }) {
  const { looked, run } = useStudio()
  const role = (): Role | null =>
    props.project.evaluation ? 'evaluation' : props.project.calibration ? 'calibration' : null
  const found = () => looked.answersOf(props.model, role())
  const { progress } = looked
  return (
    <section class="section" data-testid="answers">
      <div class="row apart">
        <div>
          <h2>{t().answers.title}</h2>
          <p class="soft">{t().answers.about}</p>
        </div>
        <Show when={found() === undefined}>
          <button
            type="button"
            class="button"
            data-testid="look-through"
            disabled={role() === null || progress() !== null || run.running() !== null}
            onClick={() => void looked.start(props.model, role()!)}
          >
            {t().answers.start}
          </button>
        </Show>
      </div>
      <Show when={progress()}>
        {now => (
          <div class="going" role="status">
            <ProgressBar label={t().answers.title} done={now().done} total={now().total} />
            <span class="soft">
              {t().answers.going(format.whole(now().done, locale()), format.whole(now().total, locale()))}
            </span>
          </div>
        )}
      </Show>
      <Show when={found() !== undefined}>
        <Show when={found()} fallback={<p class="soft">{t().answers.none}</p>}>
          {answers => <Found project={props.project} role={role()!} answers={answers()} />}
        </Show>
      </Show>
    </section>
  )
}
