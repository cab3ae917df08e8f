// What is shown of a sample when it comes again: its pictures changed, or mixed with another's, as its number and that of its version say.
import type { Rng } from '../../base/rng.ts'
import type { Feeds, Sample } from '../../ir/context.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { type Augmentation, augmented, isImage, mixed, pasted } from '../../stages/train/augment.ts'

export interface Shown {
  sample: Sample
  /** What it is made of, and which share each has. */
  parts: readonly (readonly [Sample, number])[]
  /** The same wherever the same is shown; null: it will hardly come again. */
  key: string | null
}

export const unchanged = (sample: Sample, key: Shown['key']): Shown => ({ sample, parts: [[sample, 1]], key })

export interface Changes {
  chosen: ReadonlySet<Augmentation>
  /** Versions of each sample, which come in turn; 0: a new one each time. */
  views: number
}

/** Shows a sample, by its number, the so many-th time. */
export function showing(
  samples: readonly Sample[],
  { chosen, views }: Changes,
  rng: Rng,
): (index: number, time: number) => Shown {
  // A picture and its mirror image come again and again.
  const few = [...chosen].every(change => change === 'flip')
  const joins = chosen.has('mixup') || chosen.has('cutmix')

  const changed = (index: number, version: number): Shown => {
    const sample = samples[index]
    const draw = rng.fork(`change-${version}-${index}`)
    const feeds = Object.entries(sample.feeds).map(
      ([name, a]) => [name, isImage(a) ? augmented(a, chosen, draw) : a] as const,
    )
    const other = feeds.filter(([name, a]) => a !== sample.feeds[name]).map(([name]) => name)
    const key = few ? [index, ...other].join(' ') : views > 0 ? `${index} of ${version}` : null
    return unchanged({ ...sample, feeds: Object.fromEntries(feeds) }, key)
  }

  return (index, time) => {
    const version = views > 0 ? time % views : time
    const one = changed(index, version)
    if (!joins) return one
    const draw = rng.fork(`mix-${version}-${index}`)
    const pastes = chosen.has('cutmix') && draw.uniform() < 0.5
    if (!pastes && !chosen.has('mixup')) return one
    const other = changed(draw.below(samples.length), version)
    if (!sameShapes(one.sample.feeds, other.sample.feeds)) return one
    const { share, join } = pastes ? pasting(draw) : mixing(draw)
    const feeds = Object.entries(one.sample.feeds).map(
      ([name, a]) => [name, isImage(a) ? join(a, other.sample.feeds[name]) : a] as const,
    )
    return {
      sample: { ...one.sample, feeds: Object.fromEntries(feeds) },
      parts: [
        [one.sample, share],
        [other.sample, 1 - share],
      ],
      key: one.key,
    }
  }
}

/** How two images become one, and the share of the first. */
interface Joining {
  share: number
  join(a: NdArray, b: NdArray): NdArray
}

function mixing(draw: Rng): Joining {
  const share = draw.uniform()
  return { share, join: (a, b) => mixed(a, b, share) }
}

/** A part of the same proportions as the whole, anywhere, whose area is drawn. */
function pasting(draw: Rng): Joining {
  const area = draw.uniform()
  const side = Math.sqrt(area)
  const [top, left] = [draw.uniform() * (1 - side), draw.uniform() * (1 - side)]
  const span = (from: number, size: number): [number, number] => [
    Math.round(from * size),
    Math.round((from + side) * size),
  ]
  return { share: 1 - area, join: (a, b) => pasted(a, b, span(top, a.shape[2]), span(left, a.shape[3])) }
}

export const sameShapes = (a: Feeds, b: Feeds): boolean =>
  Object.entries(a).every(([name, array]) => array.shape.join() === b[name]?.shape.join())
