// Mean average precision as COCO's evaluation computes it (pycocotools, COCOeval with iouType 'bbox', area 'all', at most 100 boxes
// of a class in a picture): boxes by falling score take the free label that they cover most; precision is made monotone and read
// at 101 recalls; the mean is over classes that have labels, and over thresholds.
import { iou } from './boxes.ts'
import type { Box, FoundBox } from './types.ts'

// As NumPy spaces them, which decides where a cover lies on a threshold.
export const thresholds: readonly number[] = Array.from({ length: 10 }, (_, k) => 0.5 + k * ((0.95 - 0.5) / 9))
const recalls: readonly number[] = Array.from({ length: 101 }, (_, k) => k * 0.01)
const mostOfClass = 100

/** One class in one picture. Bit k of `hit` and `ignored` is of threshold k. */
interface Judged {
  labels: number // crowds left out
  scores: readonly number[]
  hit: readonly number[]
  ignored: readonly number[]
}
export type JudgedPicture = ReadonlyMap<number, Judged>

/** Boxes by falling score against the labels of one picture. */
export function judgePicture(found: readonly FoundBox[], labels: readonly Box[]): JudgedPicture {
  const classes = new Set([...found.map(box => box.class), ...labels.map(box => box.class)])
  return new Map(
    [...classes].map(id => [
      id,
      judgeClass(
        found.filter(box => box.class === id).slice(0, mostOfClass),
        labels.filter(box => box.class === id).sort((a, b) => Number(a.crowd ?? false) - Number(b.crowd ?? false)),
      ),
    ]),
  )
}

/** `labels` with crowds last. */
function judgeClass(found: readonly FoundBox[], labels: readonly Box[]): Judged {
  const covered = found.map(box => labels.map(label => iou(box, label)))
  const hit = new Array<number>(found.length).fill(0)
  const ignored = new Array<number>(found.length).fill(0)
  for (const [k, threshold] of thresholds.entries()) {
    const taken = new Set<number>()
    for (const i of found.keys()) {
      let best = Math.min(threshold, 1 - 1e-10)
      let at = -1
      for (const [j, label] of labels.entries()) {
        if (taken.has(j) && !label.crowd) continue
        // A label of its own is better than any crowd.
        if (at >= 0 && !labels[at].crowd && label.crowd) break
        if (covered[i][j] < best) continue
        best = covered[i][j]
        at = j
      }
      if (at < 0) continue
      taken.add(at)
      if (labels[at].crowd) ignored[i] |= 1 << k
      else hit[i] |= 1 << k
    }
  }
  return { labels: labels.filter(label => !label.crowd).length, scores: found.map(box => box.score), hit, ignored }
}

interface Ranked {
  picture: number
  hit: number
  ignored: number
}
interface RankedClass {
  labels: readonly { picture: number; count: number }[]
  boxes: readonly Ranked[]
}

// The same pictures are asked for again and again, with other weights: they are sorted once.
const sorted = new WeakMap<readonly JudgedPicture[], RankedClass[]>()

function rankedOf(pictures: readonly JudgedPicture[]): RankedClass[] {
  const known = sorted.get(pictures)
  if (known) return known
  const classes = [...new Set(pictures.flatMap(picture => [...picture.keys()]))].sort((a, b) => a - b)
  const ranked = classes.map(id => {
    const boxes: (Ranked & { score: number })[] = []
    const labels: { picture: number; count: number }[] = []
    for (const [picture, judged] of pictures.entries()) {
      const own = judged.get(id)
      if (!own) continue
      if (own.labels > 0) labels.push({ picture, count: own.labels })
      for (const [i, score] of own.scores.entries())
        boxes.push({ picture, score, hit: own.hit[i], ignored: own.ignored[i] })
    }
    return { labels, boxes: boxes.sort((a, b) => b.score - a.score) }
  })
  sorted.set(pictures, ranked)
  return ranked
}

/** Of one class at threshold `k`; null where it has no label. */
function averagePrecision({ labels, boxes }: RankedClass, k: number, times: Uint16Array | null): number | null {
  const count = (picture: number): number => (times ? times[picture] : 1)
  const total = labels.reduce((sum, entry) => sum + entry.count * count(entry.picture), 0)
  if (total === 0) return null
  let [right, wrong] = [0, 0]
  const recall: number[] = []
  const precision: number[] = []
  for (const { picture, hit, ignored } of boxes) {
    const weight = count(picture)
    if (weight === 0 || (ignored >> k) & 1) continue
    if ((hit >> k) & 1) right += weight
    else wrong += weight
    recall.push(right / total)
    precision.push(right / (right + wrong + Number.EPSILON))
  }
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1])
  let [sum, at] = [0, 0]
  for (const wanted of recalls) {
    while (at < recall.length && recall[at] < wanted) at++
    if (at === recall.length) break
    sum += precision[at]
  }
  return sum / recalls.length
}

/** Over the first `count` thresholds; null where there is no label. `times`: how often each picture counts. */
export function meanAveragePrecision(
  pictures: readonly JudgedPicture[],
  count: number,
  times: Uint16Array | null,
): number | null {
  const of = rankedOf(pictures)
  const values: number[] = []
  for (let k = 0; k < count; k++)
    for (const ranked of of) {
      const value = averagePrecision(ranked, k, times)
      if (value !== null) values.push(value)
    }
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}
