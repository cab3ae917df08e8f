// What two models answer to one sample, as their task has it: boxes or classes of pixels over the picture, the angle between vectors,
// else the answers in words.
import { createMemo, createSignal, For, Match, Show, Switch } from 'solid-js'
import type { Mask } from '../../ir/labels.ts'
import type { Beside } from '../../jobs/beside.ts'
import type { FoundBoxes } from '../../tasks/types.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { Pixels } from '../state/map-pixels.ts'
import { classesIn, colourOf, differing, masked } from '../state/mask-pixels.ts'
import { useStudio } from '../state/studio.ts'
import { BoxPicture, type BoxSet, boxCount } from './box-picture.tsx'
import { CosineBar } from './cosine-bar.tsx'
import { Picture } from './picture.tsx'
import { Segmented } from './segmented.tsx'
import { Slider } from './slider.tsx'

type Answers = NonNullable<Beside['answers']>
type Names = readonly [string, string]

function InWords(props: { answers: Answers; names: Names }) {
  const { classes } = useStudio()
  const said = (answer: Answers['before'] | Answers['label']) =>
    typeof answer === 'object' ? format.missing : typeof answer === 'number' ? classes().ofAnswer(answer) : answer
  const rows = () => {
    const { before, after, right } = props.answers
    return [
      { name: props.names[0], answer: before, right: right?.before },
      { name: props.names[1], answer: after, right: right?.after },
    ]
  }
  return (
    <Show when={rows().some(({ answer }) => answer !== null)}>
      <dl class="facts" data-testid="both-answers">
        <For each={rows()}>
          {row => (
            <>
              <dt>{row.name}</dt>
              <dd>
                <b>{said(row.answer)}</b>{' '}
                <Show when={row.right !== undefined}>
                  <span classList={{ good: row.right, bad: !row.right }}>
                    {row.right ? t().look.right : t().look.wrong(String(said(props.answers.label)))}
                  </span>
                </Show>
              </dd>
            </>
          )}
        </For>
      </dl>
    </Show>
  )
}

type Shown = 'both' | 'before' | 'after'

function OverPicture(props: {
  answers: Answers
  before: FoundBoxes
  after: FoundBoxes
  picture: Pixels
  names: Names
}) {
  const [shown, setShown] = createSignal<Shown>('both')
  const labelled = () => {
    const { label } = props.answers
    return label !== null && typeof label === 'object' && label.kind === 'boxes' ? label.boxes : null
  }
  const sets = (): BoxSet[] => [
    ...(labelled() ? [{ of: 'label' as const, boxes: labelled()! }] : []),
    ...(shown() === 'after' ? [] : [{ of: 'before' as const, boxes: props.before.boxes }]),
    ...(shown() === 'before' ? [] : [{ of: 'after' as const, boxes: props.after.boxes }]),
  ]
  return (
    <figure class="slider" data-testid="both-boxes">
      <Segmented<Shown>
        label={t().tasks.found}
        value={shown()}
        choices={[
          { value: 'both', label: t().tasks.both },
          { value: 'before', label: props.names[0] },
          { value: 'after', label: props.names[1] },
        ]}
        onChange={setShown}
      />
      <BoxPicture pixels={props.picture} label={t().tasks.found} sets={sets()} />
      <figcaption class="row small">
        <span class="set-key before">
          {props.names[0]}: {boxCount(props.before.boxes.length)}
        </span>
        <span class="set-key after">
          {props.names[1]}: {boxCount(props.after.boxes.length)}
        </span>
        <Show when={labelled()}>
          {boxes => (
            <span class="set-key label">
              {t().tasks.labelled}: {boxCount(boxes().length)}
            </span>
          )}
        </Show>
      </figcaption>
      <Alike share={props.answers.alike} />
    </figure>
  )
}

function Alike(props: { share: number | null }) {
  return (
    <Show when={props.share !== null}>
      <p class="soft small" data-testid="alike">
        {t().tasks.alike(format.percent(100 * props.share!, 1, locale()))}
      </p>
    </Show>
  )
}

function Masks(props: { answers: Answers; before: Mask; after: Mask; picture: Pixels; names: Names }) {
  const [form, setForm] = createSignal<'slider' | 'difference' | 'label'>('slider')
  const label = () => {
    const { label } = props.answers
    return label !== null && typeof label === 'object' && label.kind === 'mask' ? label : null
  }
  const { classes } = useStudio()
  const shown = createMemo(() => classesIn([props.before, props.after]).slice(0, 8))
  return (
    <div class="section" data-testid="both-masks">
      <div class="row">
        <Segmented
          label={t().tasks.masks}
          value={form()}
          choices={[
            { value: 'slider' as const, label: t().look.slider },
            { value: 'difference' as const, label: t().tasks.changedPixels },
            ...(label() ? [{ value: 'label' as const, label: t().tasks.labelled }] : []),
          ]}
          onChange={setForm}
        />
      </div>
      <Switch>
        <Match when={form() === 'slider'}>
          <Slider
            left={masked(props.picture, props.before)}
            right={masked(props.picture, props.after)}
            names={props.names}
          />
        </Match>
        <Match when={form() === 'difference'}>
          <figure class="slider">
            <Picture pixels={differing(props.picture, props.before, props.after)} label={t().tasks.changedPixels} />
          </figure>
        </Match>
        <Match when={label()}>
          {mask => (
            <figure class="slider">
              <Picture pixels={masked(props.picture, mask())} label={t().tasks.labelled} />
            </figure>
          )}
        </Match>
      </Switch>
      <p class="row small">
        <For each={shown()}>
          {id => (
            <span class="class-key" style={{ '--class': colourOf(id)!.join(' ') }}>
              {classes().ofAnswer(id)}
            </span>
          )}
        </For>
      </p>
      <Alike share={props.answers.alike} />
    </div>
  )
}

/** `picture` is null where what is fed is none. */
export function BothAnswers(props: { answers: Answers; picture: Pixels | null; names: Names }) {
  const of = <K extends 'boxes' | 'mask' | 'vector'>(kind: K) => {
    const { before, after } = props.answers
    type A = Extract<NonNullable<Answers['before']>, { kind: K }>
    const is = (answer: Answers['before']): answer is A =>
      answer !== null && typeof answer === 'object' && answer.kind === kind
    return is(before) && is(after) ? { before, after } : null
  }
  return (
    <Switch fallback={<InWords answers={props.answers} names={props.names} />}>
      <Match when={props.picture && of('boxes')}>
        {both => <OverPicture {...both()} answers={props.answers} picture={props.picture!} names={props.names} />}
      </Match>
      <Match when={props.picture && of('mask')}>
        {both => <Masks {...both()} answers={props.answers} picture={props.picture!} names={props.names} />}
      </Match>
      <Match when={of('vector') && props.answers.alike !== null}>
        <ul class="cosines" data-testid="both-vectors">
          <li>
            <span>{t().tasks.cosineTo(props.names[0])}</span>
            <CosineBar value={props.answers.alike!} label={t().tasks.cosineTo(props.names[0])} />
          </li>
        </ul>
      </Match>
    </Switch>
  )
}
