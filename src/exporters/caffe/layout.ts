// Operators that pool and move values as Caffe layers: those of stock Caffe, and Permute, which SSD added and detection networks need.
// BVLC/caffe: src/caffe/layers.
import { attrInt, attrInts, attrString, type Node } from '../../ir/model.ts'
import { Refused } from '../graph-view.ts'
import { windowOf } from '../window.ts'
import { ends, sameShape, word } from './fields.ts'
import { copying, perAxis } from './products.ts'
import type { CaffePlanner, PlanOp, PlanOps } from './types.ts'

const pooling =
  (method: 'MAX' | 'AVE'): PlanOp =>
  (node, planner) => {
    const { view } = planner
    const kernel = attrInts(node, 'kernel_shape') ?? []
    if (kernel.length !== 2 || node.outputs.length > 1)
      throw new Refused('it pools over other than two axes, or gives positions', 'Replace it.')
    const [from, to] = [node.inputs[0]!, node.outputs[0]!].map(name => view.shape(name).slice(2))
    const { strides, begins, ends: stops, over, dilations } = windowOf(node, kernel, from, to)
    if (dilations.some(d => d !== 1)) throw new Refused('its window has holes', 'Replace it.')
    const counts = attrInt(node, 'count_include_pad', 0) === 1
    const padded = begins.some(p => p !== 0) || stops.some(p => p !== 0)
    const whole = kernel.every((k, i) => k === from[i]) && !padded
    if (whole) {
      planner.add('Pooling', ...ends(node, planner), ['pooling_param', { pool: word(method), global_pooling: true }])
      return
    }
    // Uneven padding at the end alone is what rounding up does by itself.
    const pads = begins
    const given = from.map((size, i) => {
      const windows = Math.ceil((size + 2 * pads[i] - kernel[i]) / strides[i]) + 1
      return pads[i] > 0 && (windows - 1) * strides[i] >= size + pads[i] ? windows - 1 : windows
    })
    const fits = sameShape(given, to)
    if (fits && method === 'AVE' && padded && (!counts || over.some(n => n > 0)) && begins.some(p => p !== 0))
      throw new Refused('its average leaves padding out, which Caffe counts', 'Export it with count_include_pad.')
    if (fits && method === 'AVE' && begins.every(p => p === 0) && stops.some(p => p !== 0) && counts)
      throw new Refused('its average counts padding at the end alone', 'Pad before it.')
    if (fits) {
      planner.add('Pooling', ...ends(node, planner), [
        'pooling_param',
        {
          pool: word(method),
          ...perAxis('kernel_size', kernel, 'kernel'),
          ...perAxis('stride', strides),
          ...(pads.some(p => p !== 0) ? perAxis('pad', pads) : {}),
        },
      ])
      return
    }
    if (method === 'MAX' || padded)
      throw new Refused(
        `it gives ${to.join(' x ')}, and Caffe, which rounds up, would give ${given.join(' x ')}`,
        'Choose an input size that comes out even.',
      )
    // An average whose last rows are left out is a convolution, which rounds down.
    const channels = view.shape(node.inputs[0]!)[1]
    planner.add(
      'Convolution',
      ...ends(node, planner),
      [
        'convolution_param',
        {
          num_output: channels,
          bias_term: false,
          group: channels,
          ...perAxis('kernel_size', kernel, 'kernel'),
          ...perAxis('stride', strides),
        },
      ],
      [
        {
          shape: [channels, 1, ...kernel],
          values: new Array<number>(channels * kernel[0] * kernel[1]).fill(1 / (kernel[0] * kernel[1])),
        },
      ],
    )
  }

const globalPool =
  (method: 'MAX' | 'AVE'): PlanOp =>
  (node, planner) =>
    planner.add('Pooling', ...ends(node, planner), ['pooling_param', { pool: word(method), global_pooling: true }])

const reduceMean: PlanOp = (node, planner) => {
  const { view } = planner
  const axes = node.inputs[1] == null ? attrInts(node, 'axes') : view.numbers(node.inputs[1])
  const rank = view.shape(node.inputs[0]!).length
  const positive = axes?.map(axis => (axis + rank) % rank).sort((a, b) => a - b)
  if (rank !== 4 || positive?.join() !== '2,3')
    throw new Refused('it is over other than rows and columns', 'Replace it.')
  if (attrInt(node, 'keepdims', 1) === 1) return globalPool('AVE')(node, planner)
  const pooled = planner.fresh(`${planner.blob(node.outputs[0]!)}_pooled`)
  planner.add(
    'Pooling',
    [planner.blob(node.inputs[0]!)],
    [pooled],
    ['pooling_param', { pool: word('AVE'), global_pooling: true }],
  )
  planner.add('Flatten', [pooled], [planner.blob(node.outputs[0]!)])
}

const reshape: PlanOp = (node, planner) => {
  const { view } = planner
  const [from, to] = [node.inputs[0]!, node.outputs[0]!].map(name => view.shape(name))
  if (from[0] !== to[0]) throw new Refused('it moves the batch', 'Keep the first dimension as it is.')
  if (to.length === 2) planner.add('Flatten', ...ends(node, planner))
  else
    planner.add('Reshape', ...ends(node, planner), [
      'reshape_param',
      { shape: new Map([['dim', [0, ...to.slice(1)]]]) },
    ])
}

const transpose: PlanOp = (node, planner) => {
  const rank = planner.view.shape(node.inputs[0]!).length
  const perm = attrInts(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  planner.note('Permute is not a layer of stock Caffe: SSD’s fork, OpenCV and NNIE have it.')
  planner.add('Permute', ...ends(node, planner), ['permute_param', { order: perm }])
}

const concat: PlanOp = (node, planner) => {
  if (node.inputs.some(name => planner.view.constant(name)))
    throw new Refused('one of its inputs is constant', 'Fold it.')
  const rank = planner.view.shape(node.outputs[0]!).length
  const axis = (attrInt(node, 'axis', 0) + rank) % rank
  planner.add(
    'Concat',
    node.inputs.map(name => planner.blob(name!)),
    [planner.blob(node.outputs[0]!)],
    ['concat_param', { axis }],
  )
}

const split: PlanOp = (node, planner) => {
  const { view } = planner
  const rank = view.shape(node.inputs[0]!).length
  const axis = (attrInt(node, 'axis', 0) + rank) % rank
  const sizes = node.outputs.map(name => view.shape(name!)[axis])
  const points = sizes.slice(0, -1).map((_, i) => sizes.slice(0, i + 1).reduce((n, d) => n + d, 0))
  planner.add(
    'Slice',
    [planner.blob(node.inputs[0]!)],
    node.outputs.map(name => planner.blob(name!)),
    ['slice_param', { axis, slice_point: points }],
  )
}

/** Where a Slice cuts one axis without steps; null for all others. */
function rangeOf(node: Node, { view }: CaffePlanner): { axis: number; start: number; stop: number } | null {
  const shape = view.shape(node.inputs[0]!)
  const [starts, stops, axes, steps] = [1, 2, 3, 4].map(i =>
    node.inputs[i] == null ? null : view.numbers(node.inputs[i]),
  )
  if (node.op !== 'Slice' || starts?.length !== 1 || !stops || (steps && steps[0] !== 1)) return null
  const axis = ((axes?.[0] ?? 0) + shape.length) % shape.length
  const bound = (at: number): number => Math.max(0, Math.min(shape[axis], at < 0 ? shape[axis] + at : at))
  return { axis, start: bound(starts[0]), stop: bound(stops[0]) }
}

const slice: PlanOp = (node, planner) => {
  const { view } = planner
  const own = rangeOf(node, planner)
  if (!own) {
    stepped(node, planner)
    return
  }
  // What others cut from the same axis comes from the same layer, as long as no two pieces overlap.
  const pieces = view.consumers(node.inputs[0]!).flatMap(other => {
    const range = other.inputs[0] === node.inputs[0] ? rangeOf(other, planner) : null
    return range?.axis === own.axis ? [{ ...range, other }] : []
  })
  const apart = pieces.every(a => pieces.every(b => a === b || a.stop <= b.start || b.stop <= a.start))
  const taken = (apart ? pieces : [{ ...own, other: node }]).sort((a, b) => a.start - b.start)
  const size = view.shape(node.inputs[0]!)[own.axis]
  if (taken.length === 1 && own.start === 0 && own.stop === size) {
    planner.alias(node.outputs[0]!, node.inputs[0]!)
    return
  }
  const outputs: string[] = []
  const points: number[] = []
  const unused: string[] = []
  let at = 0
  const upTo = (end: number, output: string): void => {
    outputs.push(output)
    at = end
    if (at < size) points.push(at)
  }
  const skip = (end: number): void => {
    unused.push(planner.fresh(`${planner.blob(node.outputs[0]!)}_unused`))
    upTo(end, unused.at(-1)!)
  }
  for (const { start, stop, other } of taken) {
    if (start > at) skip(start)
    upTo(stop, planner.blob(other.outputs[0]!))
    planner.took(other)
  }
  if (at < size) skip(size)
  planner.add('Slice', [planner.blob(node.inputs[0]!)], outputs, [
    'slice_param',
    { axis: own.axis, slice_point: points },
  ])
  if (unused.length > 0) planner.add('Silence', unused, [])
}

/** Rows and columns at steps, and a Pad of channels after it, as one convolution that copies. */
function stepped(node: Node, planner: CaffePlanner): void {
  const { view } = planner
  const shape = view.shape(node.inputs[0]!)
  const [starts, stops, given, by] = [1, 2, 3, 4].map(i =>
    node.inputs[i] == null ? null : view.numbers(node.inputs[i]),
  )
  if (!starts || !stops) throw new Refused('where it cuts is computed at run time', 'Fold what computes it.')
  const axes = (given ?? starts.map((_, i) => i)).map(axis => (axis + shape.length) % shape.length)
  const steps = by ?? starts.map(() => 1)
  const whole = starts.every((start, i) => start === 0 && stops[i] >= shape[axes[i]])
  const picks = axes.every((axis, i) => axis >= 2 || steps[i] === 1) && steps.every(s => s > 0)
  if (!whole || !picks || shape.length !== 4)
    throw new Refused('it cuts several axes, or at steps', 'Write it as pieces.')
  const stepOf = (axis: number): number => steps[axes.indexOf(axis)] ?? 1
  const pad = view.onlyReader(node.outputs[0]!)
  const around = pad?.op === 'Pad' ? channelPadding(pad, planner) : null
  if (around) planner.took(pad!)
  const output = around ? pad!.outputs[0]! : node.outputs[0]!
  const pads = around?.pads ?? [0, 0]
  if (pads.some(p => p !== 0)) throw new Refused('it cuts several axes, or at steps', 'Write it as pieces.')
  copying(planner, node.inputs[0]!, output, { steps: [stepOf(2), stepOf(3)], front: around?.front ?? 0 })
  planner.note(
    'Rows and columns picked at steps, and channels of zeros beside them, are a convolution that copies: stock Caffe has no layer for them.',
  )
}

/** How many channels of zeros a Pad puts in front, where it pads nothing else. */
function channelPadding(node: Node, { view }: CaffePlanner): { front: number; pads: readonly number[] } | null {
  const rank = view.shape(node.inputs[0]!).length
  const amounts = view.numbers(node.inputs[1])
  const value = node.inputs[2] == null ? [0] : view.numbers(node.inputs[2])
  if (rank !== 4 || amounts?.length !== 8 || value?.[0] !== 0 || node.inputs[3] != null) return null
  if (attrString(node, 'mode', 'constant') !== 'constant' || amounts.some(n => n < 0) || amounts[0] + amounts[4] > 0)
    return null
  if (amounts[2] !== amounts[6] || amounts[3] !== amounts[7]) return null
  return { front: amounts[1], pads: [amounts[2], amounts[3]] }
}

const pad: PlanOp = (node, planner) => {
  const around = channelPadding(node, planner)
  if (!around) throw new Refused('it pads with other than zeros, or unevenly', 'Pad in the layer after it.')
  copying(planner, node.inputs[0]!, node.outputs[0]!, around)
  planner.note('Padding by itself is a convolution that copies: stock Caffe has no layer for it.')
}

/** To whole multiples by repeating pixels, as a deconvolution of ones. */
const resize: PlanOp = (node, planner) => {
  const { view } = planner
  const [from, to] = [view.shape(node.inputs[0]!), view.shape(node.outputs[0]!)]
  const factors = [to[2] / from[2], to[3] / from[3]]
  const repeats =
    attrString(node, 'mode', 'nearest') === 'nearest' &&
    attrString(node, 'coordinate_transformation_mode', 'half_pixel') !== 'align_corners'
  if (from.length !== 4 || !repeats || from[1] !== to[1] || !factors.every(Number.isInteger))
    throw new Refused('it does not repeat pixels a whole number of times', 'Replace it by a transposed convolution.')
  const channels = from[1]
  planner.add(
    'Deconvolution',
    ...ends(node, planner),
    [
      'convolution_param',
      {
        num_output: channels,
        bias_term: false,
        group: channels,
        ...perAxis('kernel_size', factors, 'kernel'),
        ...perAxis('stride', factors),
      },
    ],
    [{ shape: [channels, 1, ...factors], values: new Array<number>(channels * factors[0] * factors[1]).fill(1) }],
  )
}

const alias: PlanOp = (node, planner) => planner.alias(node.outputs[0]!, node.inputs[0]!)

export const layouts: PlanOps = {
  MaxPool: pooling('MAX'),
  AveragePool: pooling('AVE'),
  GlobalMaxPool: globalPool('MAX'),
  GlobalAveragePool: globalPool('AVE'),
  ReduceMean: reduceMean,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Resize: resize,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Identity: alias,
  Dropout: alias,
  Cast: alias,
}
