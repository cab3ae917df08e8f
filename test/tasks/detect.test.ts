import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { judgePicture, meanAveragePrecision, thresholds } from '../../src/tasks/average-precision.ts'
import { iou, suppress } from '../../src/tasks/boxes.ts'
import { priorsFrom } from '../../src/tasks/decoders/ssd.ts'
import { pairedAccuracy, proposedTask, taskFor } from '../../src/tasks/index.ts'
import type { FoundBox, FoundBoxes, Outputs } from '../../src/tasks/types.ts'
import { build } from '../build.ts'

interface Case {
  labels: { class: number; box: number[]; crowd: boolean }[][]
  found: { class: number; box: number[]; score: number }[][]
  all: number
  half: number
}
const reference = JSON.parse(readFileSync(new URL('./reference.json', import.meta.url), 'utf8')) as {
  size: number
  cases: Case[]
}

const box = (x: number, y: number, width: number, height: number, more: { class?: number; score?: number } = {}) => ({
  x,
  y,
  width,
  height,
  class: 0,
  score: 1,
  ...more,
})
const places = (boxes: readonly FoundBox[]) =>
  boxes.map(({ x, y, width, height, class: id }) => [id, ...[x, y, width, height].map(v => Number(v.toFixed(4)) + 0)])
const answerOf = (task: ReturnType<typeof taskFor>, outputs: Outputs) => (task!.answer(outputs) as FoundBoxes).boxes

describe('average precision is that of pycocotools', () => {
  const [s] = [reference.size]
  const scaled = ([x, y, w, h]: number[]) => ({ x: x / s, y: y / s, width: w / s, height: h / s })
  test.each(reference.cases.map((given, k) => [k, given] as const))('case %i', (_, given) => {
    const pictures = given.labels.map((labels, i) =>
      judgePicture(
        given.found[i].map(b => ({ ...scaled(b.box), class: b.class, score: b.score })),
        labels.map(l => ({ ...scaled(l.box), class: l.class, crowd: l.crowd })),
      ),
    )
    expect(meanAveragePrecision(pictures, 1, null)).toBeCloseTo(given.half, 12)
    expect(meanAveragePrecision(pictures, thresholds.length, null)).toBeCloseTo(given.all, 12)
    // A set in which every picture is there twice has the same figure.
    const twice = new Uint16Array(pictures.length).fill(2)
    expect(meanAveragePrecision(pictures, 1, twice)).toBeCloseTo(given.half, 12)
  })
})

describe('boxes', () => {
  test('cover each other by intersection over union; of a crowd, by the share that lies in it', () => {
    expect(iou(box(0, 0, 2, 2), box(1, 0, 2, 2))).toBeCloseTo(1 / 3, 12)
    expect(iou(box(0, 0, 2, 2), { ...box(1, 0, 8, 8), crowd: true })).toBe(0.5)
    expect(iou(box(0, 0, 1, 1), box(1, 0, 1, 1))).toBe(0)
  })
  test('what covers a better one of its class is suppressed; of equal scores the first stays', () => {
    const boxes = [
      box(0, 0, 1, 1, { score: 0.5 }),
      box(0.1, 0, 1, 1, { score: 0.9 }),
      box(0, 0, 1, 1, { score: 0.8, class: 1 }),
      box(5, 5, 1, 1, { score: 0.5 }),
      box(5, 5, 1, 1, { score: 0.5 }),
    ]
    expect(suppress(boxes, 0.5, 100)).toEqual([boxes[1], boxes[2], boxes[3]])
    expect(suppress(boxes, 0.5, 1)).toEqual([boxes[1]])
  })
})

/** [1, ...dims] of zeros but for what is set. */
function output(dims: number[], set: [number[], number][]): NdArray {
  const array = floats([1, ...dims], new Float32Array(dims.reduce((a, b) => a * b, 1)) as unknown as number[])
  for (const [at, value] of set)
    (array.data as Float32Array)[at.reduce((index, k, axis) => index * dims[axis] + k, 0)] = value
  return array
}

describe('heads of YOLO, cut before boxes are made, are read as', () => {
  const logit = (share: number): number => Math.log(share / (1 - share))
  const grids = [8, 4, 2] // of 64 x 64 at strides 8, 16 and 32
  const quiet = (channels: number, grid: number): NdArray =>
    floats([1, channels, grid, grid], new Array(channels * grid * grid).fill(-9))
  const set = ({ data, shape }: NdArray, channel: number, row: number, column: number, value: number): void => {
    ;(data as Float32Array)[(channel * shape[2] + row) * shape[3] + column] = value
  }
  const anchoredModel = build(`graph (x: f32[1,3,64,64]) -> (a: f32[1,21,8,8], b: f32[1,21,4,4], c: f32[1,21,2,2]) {
    a = Conv(x, u: f32[21,3,1,1])
    b = Conv(x, v: f32[21,3,1,1])
    c = Conv(x, w: f32[21,3,1,1])
  }`)

  test('boxes around the anchors of YOLOv5', () => {
    expect(proposedTask(anchoredModel)).toMatchObject({ decoder: 'yolo-heads', bins: 0, activation: 'sigmoid' })
    const [a, b, c] = grids.map(grid => quiet(21, grid))
    // The second anchor of stride 16 is 62 x 45; centre (40, 24), size 31 x 11.25; class 1 of 2.
    const wanted = [40 / 16 - 2 + 0.5, 24 / 16 - 1 + 0.5, Math.sqrt(31 / 62), Math.sqrt(11.25 / 45)].map(v => v / 2)
    for (const [k, share] of [...wanted, 0.9, 0.1, 0.8].entries()) set(b, 7 + k, 1, 2, logit(share))
    const [found, ...more] = answerOf(taskFor({}, anchoredModel), { a, b, c })
    expect(more).toEqual([])
    expect(places([found])).toEqual([[1, ...[24.5, 18.375, 31, 11.25].map(v => Number((v / 64).toFixed(4)))]])
    expect(found.score).toBeCloseTo(0.72, 6)
  })

  test('the same with the anchors as an axis of their own, and its sigmoid in the model', () => {
    const model = build(`graph (x: f32[1,3,64,64]) -> (a: f32[1,3,8,8,7], b: f32[1,3,4,4,7], c: f32[1,3,2,2,7]) {
      s = Conv(x, u: f32[21,3,1,1])
      a = Sigmoid(s)
      b = Sigmoid(s)
      c = Sigmoid(s)
    }`)
    expect(proposedTask(model)).toMatchObject({ decoder: 'yolo-heads', bins: 0, activation: 'none' })
    const [a, b, c] = grids.map(g => floats([1, 3, g, g, 7], new Float32Array(3 * g * g * 7) as unknown as number[]))
    // The third anchor of stride 32 in the cell (0, 1): in the middle of it, and as large as the anchor.
    ;(c.data as Float32Array).set([0.5, 0.5, 0.5, 0.5, 0.9, 0.8, 0.1], (2 * 4 + 1) * 7)
    const [found] = answerOf(taskFor({}, model), { a, b, c })
    expect(places([found])).toEqual([[0, ...[48 - 186.5, 16 - 163, 373, 326].map(v => Number((v / 64).toFixed(4)))]])
  })

  /** Distances to the sides whose two neighbouring steps have equal shares: k + 1/2. */
  function spread(map: NdArray, row: number, column: number, steps: readonly number[]): void {
    for (const [side, k] of steps.entries()) for (const step of [k, k + 1]) set(map, side * 16 + step, row, column, 9)
  }

  test('distances to four sides, boxes and classes in one map', () => {
    const model = build(`graph (x: f32[1,3,64,64]) -> (a: f32[1,66,8,8], b: f32[1,66,4,4], c: f32[1,66,2,2]) {
      s = Conv(x, u: f32[64,3,1,1])
      t = Conv(x, v: f32[2,3,1,1])
      a = Concat(s, t) {axis=1}
      b = Concat(s, t) {axis=1}
      c = Concat(s, t) {axis=1}
    }`)
    expect(proposedTask(model)).toEqual({ kind: 'detect', decoder: 'yolo-heads', bins: 16, activation: 'sigmoid' })
    const [a, b, c] = grids.map(grid => quiet(66, grid))
    spread(a, 5, 3, [0, 1, 2, 0])
    set(a, 64, 5, 3, logit(0.6))
    const [found] = answerOf(taskFor({}, model), { a, b, c })
    // From the middle of the cell, (3.5, 5.5): 0.5 to the left, 1.5 up, 2.5 to the right, 0.5 down, in cells of 8.
    expect(found).toMatchObject({ class: 0 })
    for (const [k, v] of [24, 32, 24, 16].entries())
      expect([found.x, found.y, found.width, found.height][k] * 64).toBeCloseTo(v, 2)
    expect(found.score).toBeCloseTo(0.6, 6)
  })

  test('distances and classes in maps of their own, with the sum of the scores beside them', () => {
    const model = build(`graph (x: f32[1,3,64,64])
      -> (a: f32[1,64,8,8], p: f32[1,3,8,8], s: f32[1,1,8,8], b: f32[1,64,4,4], q: f32[1,3,4,4], t: f32[1,1,4,4]) {
      a = Conv(x, d: f32[64,3,1,1])
      b = Conv(x, e: f32[64,3,1,1])
      m = Conv(x, f: f32[3,3,1,1])
      p = Sigmoid(m)
      q = Sigmoid(m)
      s = ReduceSum(p)
      t = ReduceSum(q)
    }`)
    expect(proposedTask(model)).toEqual({ kind: 'detect', decoder: 'yolo-heads', bins: 16, activation: 'none' })
    const [a, b] = [quiet(64, 8), quiet(64, 4)]
    const [p, q] = [output([3, 8, 8], []), output([3, 4, 4], [])]
    const [s, t] = [output([1, 8, 8], []), output([1, 4, 4], [])]
    spread(b, 2, 1, [1, 1, 1, 1])
    set(q, 2, 2, 1, 0.7)
    const [found, ...more] = answerOf(taskFor({}, model), { a, p, s, b, q, t })
    expect(more).toEqual([])
    expect(found.class).toBe(2)
    for (const [k, v] of [0, 16, 48, 48].entries())
      expect([found.x, found.y, found.width, found.height][k] * 64).toBeCloseTo(v, 2)
  })

  test('what does not fit is said', () => {
    const read = (more: object) => () =>
      taskFor({ task: { kind: 'detect', decoder: 'yolo-heads', ...more } }, anchoredModel)
    expect(read({ anchors: null })).toThrow(/has no anchors, nor steps of distances/)
    expect(read({ bins: 16 })).toThrow(/Output 'a' is of the shape \[1, 21, 8, 8\], where \[1, 64 \+ C, H, W\]/)
    expect(read({ activation: 'softmax' })).toThrow(/knows no scores that want a softmax/)
    const other = build('graph (x: f32[1,3,64,64]) -> (y: f32[1,7,42]) { y = Identity(x) }')
    expect(() => taskFor({ task: { kind: 'detect', decoder: 'yolo-heads' } }, other)).toThrow(/no maps of one stride/)
  })
})

describe('outputs are read as', () => {
  // 64 x 32: 8 x 4 + 4 x 2 + 2 x 1 = 42 places at strides 8, 16 and 32.
  test('YOLO in columns: no objectness, pixels, one output [1, 4 + C, N]', () => {
    const model = build('graph (x: f32[1,3,32,64]) -> (y: f32[1,7,42]) { y = Identity(x) }')
    expect(proposedTask(model)).toEqual({ kind: 'detect', decoder: 'yolo', boxes: 'y', objectness: false })
    const y = output([7, 42], [[[0, 5], 32], [[1, 5], 16], [[2, 5], 16], [[3, 5], 8], [[6, 5], 0.9]]) // biome-ignore format: a table
    expect(places(answerOf(taskFor({}, model), { y }))).toEqual([[2, 0.375, 0.375, 0.25, 0.25]])
  })
  test('YOLO in rows: scores times objectness', () => {
    const model = build('graph (x: f32[1,3,32,64]) -> (y: f32[1,126,7]) { y = Identity(x) }')
    const task = taskFor({}, model)
    const row = (k: number, values: number[]): [number[], number][] => values.map((v, i) => [[k, i], v])
    const y = output([126, 7], [...row(3, [8, 8, 8, 8, 0.5, 0.2, 0.9]), ...row(9, [40, 8, 8, 8, 0.2, 1, 0.9])])
    expect(answerOf(task, { y }).map(b => [b.class, Number(b.score.toFixed(3))])).toEqual([[1, 0.45]])
  })
  test('YOLO whose scores still need a sigmoid', () => {
    const model = build('graph (x: f32[1,3,32,64]) -> (y: f32[1,5,42]) { y = Identity(x) }')
    const task = taskFor({ task: { kind: 'detect', decoder: 'yolo', activation: 'sigmoid' } }, model)
    const empty: [number[], number][] = Array.from({ length: 42 }, (_, i) => [[4, i], -9])
    const y = output([5, 42], [...empty, [[0, 7], 32], [[1, 7], 16], [[2, 7], 8], [[3, 7], 8], [[4, 7], Math.log(3)]])
    expect(answerOf(task, { y }).map(b => Number(b.score.toFixed(6)))).toEqual([0.75])
  })
  test('corners with scores behind their Softmax, the background left out, as UltraFace gives them', () => {
    const model = build(`graph (x: f32[1,3,240,320]) -> (scores: f32[1,12,2], boxes: f32[1,12,4]) {
      s = Identity(x)
      scores = Softmax(s)
      boxes = Exp(x)
    }`)
    expect(proposedTask(model)).toMatchObject({
      decoder: 'ultraface',
      boxes: 'boxes',
      scores: 'scores',
      background: 0,
      activation: 'none',
    })
    const scores = output([12, 2], [[[4, 1], 0.8], [[5, 0], 0.99]]) // biome-ignore format: a table
    const boxes = output([12, 4], [[[4, 0], 0.1], [[4, 1], 0.2], [[4, 2], 0.5], [[4, 3], 0.6]]) // biome-ignore format: a table
    expect(places(answerOf(taskFor({}, model), { scores, boxes }))).toEqual([[0, 0.1, 0.2, 0.4, 0.4]])
  })
  test('SSD: offsets from priors that are made of strides and sizes, scores still to be softmaxed', () => {
    const model = build(`graph (x: f32[1,3,16,16]) -> (loc: f32[1,8,4], conf: f32[1,8,3]) {
      loc = Conv(x, w: f32[4,3,1,1])
      conf = Conv(x, v: f32[3,3,1,1])
    }`)
    expect(proposedTask(model)).toBeNull() // nothing tells the priors
    const anchors = { strides: [8], sizes: [[[4, 4], [8, 4]]] } // biome-ignore format: one line
    const options = { decoder: 'ssd', boxes: 'loc', scores: 'conf', background: 0, activation: 'softmax', anchors }
    const task = taskFor({ task: { kind: 'detect', ...options } }, model)
    // Box 5 is the second around the middle of cell (0, 1): (4, 12), 8 x 4 pixels.
    const loc = output([8, 4], [[[5, 0], 5], [[5, 2], 5 * Math.log(2)]]) // biome-ignore format: a table
    const conf = output([8, 3], [[[5, 2], 4], ...[0, 1, 2, 3, 4, 6, 7].map((k): [number[], number] => [[k, 0], 9])])
    expect(places(answerOf(task, { loc, conf }))).toEqual([[1, 0, 0.625, 1, 0.25]])
    expect(() => taskFor({ task: { kind: 'detect', ...options, anchors: null } }, model)).toThrow(/no prior boxes/)
    const other = { strides: [8, 16], sizes: [[[4, 4]], [[8, 8]]] }
    expect(() => taskFor({ task: { kind: 'detect', ...options, anchors: other } }, model)).toThrow(/make 5 of them/)
  })
  test('the priors of UltraFace are 4420, the first as its own code gives it', () => {
    const sizes = [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]] // biome-ignore format: a table
    const priors = priorsFrom(
      { strides: [8, 16, 32, 64], sizes: sizes.map(of => of.map(side => [side, side] as const)) },
      { height: 240, width: 320 },
    )
    expect(priors.length).toBe(4420 * 4)
    expect([...priors.subarray(0, 4)].map(v => Number(v.toFixed(6)))).toEqual([0.0125, 0.016667, 0.03125, 0.041667])
  })
  test('a heat map: its peaks, with sizes and places in cells', () => {
    const model = build(`graph (x: f32[1,3,16,16]) -> (hm: f32[1,2,4,4], wh: f32[1,2,4,4], reg: f32[1,2,4,4]) {
      h = Conv(x, w: f32[2,3,1,1])
      hm = Sigmoid(h)
      wh = Conv(x, v: f32[2,3,1,1])
      reg = Conv(x, u: f32[2,3,1,1])
    }`)
    const task = taskFor({}, model)
    const hm = output([2, 4, 4], [[[1, 1, 2], 0.9], [[1, 1, 3], 0.8], [[0, 3, 3], 0.1]]) // biome-ignore format: a table
    const wh = output([2, 4, 4], [[[0, 1, 2], 2], [[1, 1, 2], 1]]) // biome-ignore format: a table
    const reg = output([2, 4, 4], [[[0, 1, 2], 0.5], [[1, 1, 2], 0.25]]) // biome-ignore format: a table
    expect(places(answerOf(task, { hm, wh, reg }))).toEqual([[1, 0.375, 0.1875, 0.5, 0.25]])
  })
  test('finished detections: the four of TensorFlow Lite, and rows of six', () => {
    const four = build(`graph (x: f32[1,3,16,16]) -> (a: f32[1,3,4], b: f32[1,3], c: f32[1,3], d: f32[1]) {
      a = Identity(x)
      b = Identity(x)
      c = Identity(x)
      d = Identity(x)
    }`)
    const outputs = {
      a: floats([1, 3, 4], [0.1, 0.2, 0.3, 0.6, 0, 0, 0, 0, 0, 0, 0, 0]),
      b: floats([1, 3], [7, 0, 0]),
      c: floats([1, 3], [0.9, 0, 0]),
      d: floats([1], [1]),
    }
    expect(places(answerOf(taskFor({}, four), outputs))).toEqual([[7, 0.2, 0.1, 0.4, 0.2]])
    const rows = build('graph (x: f32[1,3,10,20]) -> (y: f32[1,2,6]) { y = Identity(x) }')
    const y = floats([1, 2, 6], [2, 1, 12, 6, 0.9, 3, 0, 0, 1, 1, 0.1, 1])
    expect(places(answerOf(taskFor({}, rows), { y }))).toEqual([[3, 0.1, 0.1, 0.5, 0.5]])
  })
  test('tokens and feature vectors are taken for no boxes', () => {
    expect(proposedTask(build('graph (x: f32[1,3,224,224]) -> (y: f32[1,197,768]) { y = Identity(x) }'))).toBeNull()
    expect(proposedTask(build('graph (x: f32[1,128]) -> (y: f32[1,128,384]) { y = Identity(x) }'))).toBeNull()
  })
})

describe('a detector is judged', () => {
  const model = build('graph (x: f32[1,3,10,10]) -> (y: f32[1,3,6]) { y = Identity(x) }')
  const task = taskFor({}, model)!
  const rows = (...found: number[][]) => ({
    y: floats([1, 3, 6], [...found.flat(), ...new Array(18 - found.length * 6).fill(0)]),
  })
  const first = [0, 0, 4, 4, 0.9, 0]
  const second = [5, 5, 9, 9, 0.8, 1]
  const labels = {
    kind: 'boxes' as const,
    boxes: [
      { x: 0, y: 0, width: 0.4, height: 0.4, class: 0 },
      { x: 0.5, y: 0.5, width: 0.4, height: 0.4, class: 1 },
    ],
  }

  test('by mean average precision over the set, with an interval and the paired difference', () => {
    const accuracy = pairedAccuracy(task, 1, 0)
    for (let k = 0; k < 20; k++) accuracy.add(rows(first, second), [k < 10 ? rows(first) : rows(first, second)], labels)
    const { reference, others } = accuracy.result()
    expect(reference).toMatchObject({ metric: 'mean AP at IoU 0.5', value: 100, samples: 20, top1: null })
    // Class 0 whole; of class 1 the first half of the recalls: 51 of 101.
    expect(others[0]!.value).toBeCloseTo((100 * (1 + 51 / 101)) / 2, 9)
    expect(others[0]!.against!.difference).toBeCloseTo(others[0]!.value - 100, 9)
    expect(others[0]!.against!.interval95.high).toBeLessThan(0)
    expect(others[0]!.interval95.low).toBeLessThan(others[0]!.value)
    expect(others[0]!.detail!.metric).toBe('mean AP at IoU 0.5 to 0.95')
  })
  test('beside the original by the boxes that both find, each way, and how far they cover', () => {
    const agreeing = task.agreeing()
    agreeing.add(rows(first, second), rows([0, 0, 4, 3, 0.9, 0]))
    agreeing.add(rows(first), rows(first, [6, 0, 9, 3, 0.5, 2]))
    const { value, details } = agreeing.result()!
    expect(value).toBeCloseTo((100 * 4) / 6, 9)
    const wanted = [(100 * 2) / 3, (100 * 2) / 3, 87.5]
    for (const [k, { value }] of details.entries()) expect(value).toBeCloseTo(wanted[k], 9)
    expect(task.agreeing().result()).toBeNull()
  })
  test('one sample by how many boxes it finds of those labelled, and no others', () => {
    expect(task.score(rows(first, second), labels, {}).value).toBe(1)
    expect(task.score(rows(first), labels, {}).value).toBeCloseTo(2 / 3, 12)
  })
  test('labels that are no boxes, or of classes that there are not, are errors that say what to do', () => {
    expect(() => task.score(rows(), 3, {})).toThrow(/label is the class 3, but the model finds boxes/)
    const yolo = taskFor({}, build('graph (x: f32[1,3,32,64]) -> (y: f32[1,7,42]) { y = Identity(x) }'))!
    const far = { kind: 'boxes' as const, boxes: [{ ...labels.boxes[0], class: 3 }] }
    expect(() => yolo.score({ y: output([7, 42], []) }, far, {})).toThrow(/label 3 is none of the model's 3 classes/)
  })
})
