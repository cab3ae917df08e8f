// Boxes over the picture that they were found in: those of the original, of the variant, and the labelled ones.
import { For, Show } from 'solid-js'
import type { Box } from '../../ir/labels.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { Pixels } from '../state/map-pixels.ts'
import { useStudio } from '../state/studio.ts'
import { Picture } from './picture.tsx'
import './task-answers.css'

export interface BoxSet {
  of: 'before' | 'after' | 'label'
  boxes: readonly (Box & { score?: number })[]
}

/** How many boxes, in words. */
export const boxCount = (count: number): string => t().tasks.boxes(count, format.whole(count, locale()))

// Names on more boxes than this would hide the picture.
const mostNamed = 12

const tag = (name: string, { score }: BoxSet['boxes'][number]): string =>
  score === undefined ? name : `${name} · ${format.decimal(score, 2, locale())}`

function Boxes(props: { set: BoxSet; named: boolean; name: (id: number) => string }) {
  return (
    <For each={props.set.boxes}>
      {box => (
        <span
          class={`found ${props.set.of}`}
          title={
            box.score === undefined
              ? undefined
              : t().tasks.box(props.name(box.class), format.decimal(box.score, 3, locale()))
          }
          style={{
            left: `${100 * box.x}%`,
            top: `${100 * box.y}%`,
            width: `${100 * box.width}%`,
            height: `${100 * box.height}%`,
          }}
        >
          <Show when={props.named}>
            <span class="tag">{tag(props.name(box.class), box)}</span>
          </Show>
        </span>
      )}
    </For>
  )
}

/** `bare` is small, without names; `asLabelled`: classes are numbered as the labels are. */
export function BoxPicture(props: {
  pixels: Pixels
  label: string
  sets: readonly BoxSet[]
  bare?: boolean
  asLabelled?: boolean
}) {
  const { classes } = useStudio()
  const name = (id: number) => (props.asLabelled ? classes().ofLabel(id) : classes().ofAnswer(id))
  const shown = () => props.sets.filter(({ of }) => of !== 'label')
  const count = () => Math.max(0, ...shown().map(({ boxes }) => boxes.length))
  // Where two sets lie on each other, the names of the first would say the same again.
  const named = (set: BoxSet) => !props.bare && count() <= mostNamed && set.of === shown().at(-1)?.of
  return (
    <div class="box-picture" classList={{ bare: props.bare }}>
      <Picture pixels={props.pixels} label={props.label} />
      <div class="boxes" aria-hidden="true">
        <For each={props.sets}>{set => <Boxes set={set} named={named(set)} name={name} />}</For>
      </div>
    </div>
  )
}
