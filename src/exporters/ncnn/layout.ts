// Operators that move values or pool them, as ncnn layers. Blobs have no batch axis: axis a of the graph is a - 1.
// Tencent/ncnn: docs/developer-guide/operators.md and src/layer.
import { floatParam, intParam, intsParam, type NcnnParam } from '../../formats/ncnn-param.ts'
import { attrInt, attrInts, attrString, type Node } from '../../ir/model.ts'
import { Refused } from '../graph-view.ts'
import { windowOf } from '../window.ts'
import { axisOf, inner, sizesOf } from './blob-shapes.ts'
import type { Planner, PlanOp, PlanOps } from './types.ts'

const ends = (node: Node, { blob }: Planner): [string[], string[]] => [
  [blob(node.inputs[0]!)],
  [blob(node.outputs[0]!)],
]

const reshape: PlanOp = (node, planner) => {
  planner.add('Reshape', ...ends(node, planner), sizesOf(inner(node.outputs[0]!, planner)))
}

const alias: PlanOp = (node, planner) => planner.alias(node.outputs[0]!, node.inputs[0]!)

// Innermost dimension first; the position in the list is the layer's parameter.
const orders: Record<number, string[]> = {
  1: ['w'],
  2: ['wh', 'hw'],
  3: ['whc', 'hwc', 'wch', 'cwh', 'hcw', 'chw'],
  4: [
    ...['whdc', 'hwdc', 'wdhc', 'dwhc', 'hdwc', 'dhwc', 'whcd', 'hwcd', 'wchd', 'cwhd', 'hcwd', 'chwd'],
    ...['wdch', 'dwch', 'wcdh', 'cwdh', 'dcwh', 'cdwh', 'hdcw', 'dhcw', 'hcdw', 'chdw', 'dchw', 'cdhw'],
  ],
}
const names: Record<number, string> = { 1: 'w', 2: 'hw', 3: 'chw', 4: 'cdhw' }

const transpose: PlanOp = (node, planner) => {
  const rank = planner.view.shape(node.inputs[0]!).length
  const perm = attrInts(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  if (perm[0] !== 0) throw new Refused('it moves the batch', 'Export the model with the batch in front.')
  const order = perm
    .slice(1)
    .reverse()
    .map(axis => names[rank - 1]?.[axis - 1])
    .join('')
  const type = orders[rank - 1]?.indexOf(order) ?? -1
  if (type < 0) throw new Refused(`it has ${rank} dimensions`, 'Reshape before it.')
  planner.add('Permute', ...ends(node, planner), [[0, intParam(type)]])
}

const concat: PlanOp = (node, planner) => {
  const rank = planner.view.shape(node.outputs[0]!).length
  const inputs = node.inputs.map(name => planner.blob(name!))
  planner.add(
    'Concat',
    inputs,
    [planner.blob(node.outputs[0]!)],
    [[0, intParam(axisOf(attrInt(node, 'axis', 0), rank))]],
  )
}

const split: PlanOp = (node, planner) => {
  const { view } = planner
  const rank = view.shape(node.inputs[0]!).length
  const axis = axisOf(attrInt(node, 'axis', 0), rank)
  const sizes = node.outputs.map(name => view.shape(name!)[axis + 1])
  const outputs = node.outputs.map(name => planner.blob(name!))
  planner.add('Slice', [planner.blob(node.inputs[0]!)], outputs, [
    [0, intsParam(sizes)],
    [1, intParam(axis)],
  ])
}

const most = 2147483647

/** Crop, and where steps over rows and columns are larger than one, a pooling of single pixels. */
const slice: PlanOp = (node, planner) => {
  const { view } = planner
  const shape = view.shape(node.inputs[0]!)
  const given = [1, 2, 3, 4].map(i => (node.inputs[i] == null ? null : view.numbers(node.inputs[i])))
  if ([1, 2, 3, 4].some((i, k) => node.inputs[i] != null && given[k] === null) || !given[0] || !given[1])
    throw new Refused('where it cuts is computed at run time', 'Fold what computes it.')
  const [starts, stops] = given as [number[], number[]]
  const axes = (given[2] ?? starts.map((_, i) => i)).map(axis => axisOf(axis, shape.length))
  const steps = given[3] ?? starts.map(() => 1)
  const stepOf = (axis: number): number => steps[axes.indexOf(axis)] ?? 1
  const stepped = axes.filter((_, i) => steps[i] !== 1)
  const spatial = shape.length === 4 && stepped.every(axis => axis > 0 && stepOf(axis) > 0)
  if (stepped.length > 0 && !spatial)
    throw new Refused('its steps are over other axes than rows and columns', 'Replace it.')
  const whole = starts.every((start, i) => start === 0 && (stops[i] >= shape[axes[i] + 1] || stops[i] === most))
  const [inputs, outputs] = ends(node, planner)
  const cut = stepped.length === 0 ? outputs[0] : whole ? inputs[0] : planner.fresh(`${outputs[0]}_cut`)
  if (cut !== inputs[0]) {
    const bounded = stops.map(stop => (stop > most ? most : stop < -most ? -most : stop))
    planner.add(
      'Crop',
      inputs,
      [cut],
      [
        [9, intsParam(starts)],
        [10, intsParam(bounded)],
        [11, intsParam(axes)],
      ],
    )
  }
  if (stepped.length === 0) return
  planner.add('Pooling', [cut], outputs, [
    [0, intParam(0)],
    [1, intParam(1)],
    [2, intParam(stepOf(2))],
    [12, intParam(stepOf(1))],
    [5, intParam(1)],
  ])
}

const padTypes = { constant: 0, edge: 1, reflect: 2 } as const

const pad: PlanOp = (node, planner) => {
  const { view } = planner
  const rank = view.shape(node.inputs[0]!).length
  const mode = attrString(node, 'mode', 'constant')
  const type = padTypes[mode as keyof typeof padTypes]
  const amounts = view.numbers(node.inputs[1])
  const value = node.inputs[2] == null ? [0] : view.numbers(node.inputs[2])
  if (type === undefined || !amounts || value?.length !== 1)
    throw new Refused('its sizes or its value are not constant', 'Fold what computes them.')
  const axes = node.inputs[3] == null ? Array.from({ length: rank }, (_, i) => i) : view.numbers(node.inputs[3])
  const around = (axis: number): [number, number] => {
    const at = axes?.findIndex(a => (a + rank) % rank === axis) ?? -1
    return at < 0 ? [0, 0] : [amounts[at], amounts[axes!.length + at]]
  }
  if (around(0).some(n => n !== 0) || amounts.some(n => n < 0) || rank > 5)
    throw new Refused('it pads the batch, or by less than nothing', 'Replace it.')
  const [left, top, front] = [
    around(rank - 1),
    rank > 2 ? around(rank - 2) : [0, 0],
    rank > 3 ? around(rank - 3) : [0, 0],
  ]
  if (rank === 5 && around(1).some(n => n !== 0)) throw new Refused('it pads channels of volumes', 'Replace it.')
  if (type !== 0 && front.some(n => n !== 0)) throw new Refused('it repeats channels', 'Replace it.')
  planner.add('Padding', ...ends(node, planner), [
    [0, intParam(top[0])],
    [1, intParam(top[1])],
    [2, intParam(left[0])],
    [3, intParam(left[1])],
    [4, intParam(type)],
    [5, floatParam(value[0])],
    [7, intParam(front[0])],
    [8, intParam(front[1])],
  ])
}

const resize: PlanOp = (node, planner) => {
  const { view } = planner
  const [from, to] = [view.shape(node.inputs[0]!), view.shape(node.outputs[0]!)]
  const mode = attrString(node, 'mode', 'nearest')
  const coordinates = attrString(node, 'coordinate_transformation_mode', 'half_pixel')
  const rounding = attrString(node, 'nearest_mode', 'round_prefer_floor')
  const type = { nearest: 1, linear: 2, cubic: 3 }[mode]
  if (from.length !== 4 || type === undefined || from[1] !== to[1])
    throw new Refused('it resizes other than images', 'Replace it.')
  // Whole factors are the same for every way of counting that rounds to the pixel before.
  const whole = to.every((size, i) => size % from[i] === 0)
  const same =
    mode === 'nearest'
      ? (coordinates === 'asymmetric' && rounding === 'floor') ||
        (whole &&
          coordinates !== 'align_corners' &&
          /floor$/.test(rounding) &&
          (coordinates === 'half_pixel' || rounding === 'floor'))
      : /^(half_pixel|pytorch_half_pixel|align_corners)$/.test(coordinates)
  if (!same)
    throw new Refused(`it counts pixels as ${coordinates}, ${rounding}, which ncnn does not`, 'Export it another way.')
  planner.add('Interp', ...ends(node, planner), [
    [0, intParam(type)],
    [3, intParam(to[2])],
    [4, intParam(to[3])],
    [6, intParam(coordinates === 'align_corners' ? 1 : 0)],
  ])
}

const pooling =
  (average: boolean): PlanOp =>
  (node, planner) => {
    const { view } = planner
    const kernel = attrInts(node, 'kernel_shape') ?? []
    const axes = kernel.length
    if ((axes !== 1 && axes !== 2) || node.outputs.length > 1)
      throw new Refused('it pools over other than one or two axes, or gives positions', 'Replace it.')
    const window = windowOf(node, kernel, view.shape(node.inputs[0]!).slice(2), view.shape(node.outputs[0]!).slice(2))
    if (window.dilations.some(d => d !== 1)) throw new Refused('its window has holes', 'Replace it.')
    const counts = average && attrInt(node, 'count_include_pad', 0) === 1
    const reaches = window.over.some(n => n > 0)
    if (counts && reaches) throw new Refused('it counts padding and rounds its size up', 'Pad before it.')
    const stops = window.ends.map((end, i) => end + window.over[i])
    const last = axes - 1
    const params: [number, NcnnParam][] = [
      [0, intParam(average ? 1 : 0)],
      [1, intParam(kernel[last])],
      [2, intParam(window.strides[last])],
      [3, intParam(window.begins[last])],
      [14, intParam(stops[last])],
      [5, intParam(1)],
      [6, intParam(counts ? 1 : 0)],
    ]
    if (axes === 2)
      params.push(
        [11, intParam(kernel[0])],
        [12, intParam(window.strides[0])],
        [13, intParam(window.begins[0])],
        [15, intParam(stops[0])],
      )
    planner.add(axes === 2 ? 'Pooling' : 'Pooling1D', ...ends(node, planner), params)
  }

/** To one pixel; ncnn's own global pooling would give a vector. */
const globalPool =
  (average: boolean): PlanOp =>
  (node, planner) => {
    const rank = planner.view.shape(node.inputs[0]!).length
    if (rank !== 4) throw new Refused('it pools other than images', 'Replace it.')
    planner.add('Pooling', ...ends(node, planner), [
      [0, intParam(average ? 1 : 0)],
      [7, intParam(1)],
      [8, intParam(1)],
    ])
  }

const depthToSpace: PlanOp = (node, planner) => {
  planner.add('PixelShuffle', ...ends(node, planner), [
    [0, intParam(attrInt(node, 'blocksize', 1))],
    [1, intParam(attrString(node, 'mode', 'DCR') === 'CRD' ? 0 : 1)],
  ])
}

const spaceToDepth: PlanOp = (node, planner) => {
  planner.add('Reorg', ...ends(node, planner), [
    [0, intParam(attrInt(node, 'blocksize', 1))],
    [1, intParam(1)],
  ])
}

const tile: PlanOp = (node, planner) => {
  const repeats = planner.view.numbers(node.inputs[1])
  if (repeats?.[0] !== 1) throw new Refused('it repeats samples', 'Replace it.')
  planner.add('Tile', ...ends(node, planner), [[2, intsParam(repeats.slice(1))]])
}

export const layouts: PlanOps = {
  Identity: alias,
  Dropout: alias,
  Cast: alias,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Resize: resize,
  MaxPool: pooling(false),
  AveragePool: pooling(true),
  GlobalMaxPool: globalPool(false),
  GlobalAveragePool: globalPool(true),
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Tile: tile,
}
