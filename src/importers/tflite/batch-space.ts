// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: around a convolution they are its dilation, as TensorFlow spells it; alone they are moves.
import { padding } from '../../formats/tflite-schema.ts'
import { ints, type ValueName } from '../../ir/model.ts'
import type { Translate } from './convolutions.ts'
import type { Op, TfliteGraph } from './graph.ts'

/**
 * The operators with every SPACE_TO_BATCH_ND, convolution of stride 1, BATCH_TO_SPACE_ND that nobody else reads into as one
 * convolution: dilated by the block, with the paddings of the first less the crops of the last.
 */
export function dilated(g: TfliteGraph, ops: readonly Op[], outputs: readonly number[]): Op[] {
  const readers = (index: number): Op[] => (outputs.includes(index) ? [] : ops.filter(op => op.inputs.includes(index)))
  const gone = new Set<Op>()
  const merged = new Map<Op, Op>()
  for (const first of ops) {
    if (first.name !== 'SPACE_TO_BATCH_ND') continue
    const [conv, ...others] = readers(first.outputs[0])
    if (others.length > 0 || !conv || !isPlainConv(conv) || conv.inputs[0] !== first.outputs[0]) continue
    const [last, ...more] = readers(conv.outputs[0])
    if (more.length > 0 || last?.name !== 'BATCH_TO_SPACE_ND') continue
    const pads = padsOf(g, first, conv, last)
    if (!pads) continue
    gone.add(first).add(conv)
    const [height, width] = g.numbers(first.inputs[1])!
    const options = { ...conv.options, dilationH: height, dilationW: width, pads }
    merged.set(last, {
      ...conv,
      id: last.id,
      inputs: [first.inputs[0], ...conv.inputs.slice(1)],
      outputs: last.outputs,
      options,
    })
  }
  return ops.flatMap(op => (gone.has(op) ? [] : [merged.get(op) ?? op]))
}

const isPlainConv = ({ name, options }: Op): boolean =>
  (name === 'CONV_2D' || name === 'DEPTHWISE_CONV_2D') &&
  [options.strideH, options.strideW, options.dilationH ?? 1, options.dilationW ?? 1].every(n => n === 1)

/** Top, left, bottom, right; null where the three are no convolution. */
function padsOf(g: TfliteGraph, first: Op, conv: Op, last: Op): number[] | null {
  const [block, again, pads, crops] = [first.inputs[1], last.inputs[1], first.inputs[2], last.inputs[2]].map(i =>
    g.numbers(i),
  )
  if (!block || !pads || !crops || block.length !== 2 || again?.join() !== block.join()) return null
  const kernel = g.tensor(conv.inputs[1]).shape.slice(1, 3)
  const same = Number(conv.options.padding ?? 0) === padding.same
  const own = kernel.map(size => (same ? size - 1 : 0))
  const begin = block.map((b, i) => pads[2 * i] - crops[2 * i] + b * Math.floor(own[i] / 2))
  const end = block.map((b, i) => pads[2 * i + 1] - crops[2 * i + 1] + b * Math.ceil(own[i] / 2))
  const all = [...begin, ...end]
  return all.every(n => n >= 0) ? all : null
}

function blockOf(g: TfliteGraph, op: Op): { block: number[]; table: number[] } {
  const block = g.needNumbers(op.inputs[1], 'block')
  const table = g.needNumbers(op.inputs[2], 'padding')
  if (g.rank(op.inputs[0]) !== 4 || block.length !== 2) throw g.refused('is not of an image')
  if ([0, 1, 2, 3].some(axis => !g.isFixed(op.inputs[0], axis))) throw g.refused('has a size that is free at run time')
  return { block, table }
}

const reshaped = (g: TfliteGraph, x: ValueName, shape: readonly number[]): ValueName =>
  g.step('Reshape', [x, g.int64('shape', shape)])

const spaceToBatch: Translate = (g, op) => {
  const { block, table } = blockOf(g, op)
  const [n, , , c] = g.tensor(op.inputs[0]).shape
  const [top, bottom, left, right] = table
  const padded = g.step('Pad', [g.real(op.inputs[0]), g.int64('pads', [0, top, left, 0, 0, bottom, right, 0])])
  const [, height, width] = g.tensor(op.outputs[0]).shape
  const apart = reshaped(g, padded, [n, height, block[0], width, block[1], c])
  const moved = g.step('Transpose', [apart], { perm: ints([2, 4, 0, 1, 3, 5]) })
  g.give(op.outputs[0], 'plain', 'Reshape', [moved, g.int64('shape', g.tensor(op.outputs[0]).shape)])
}

const batchToSpace: Translate = (g, op) => {
  const { block, table } = blockOf(g, op)
  const [n, height, width, c] = g.tensor(op.inputs[0]).shape
  const count = n / (block[0] * block[1])
  const apart = reshaped(g, g.real(op.inputs[0]), [block[0], block[1], count, height, width, c])
  const moved = g.step('Transpose', [apart], { perm: ints([2, 3, 0, 4, 1, 5]) })
  const whole = reshaped(g, moved, [count, height * block[0], width * block[1], c])
  const [top, bottom, left, right] = table
  const bounds = [
    g.int64('from', [top, left]),
    g.int64('to', [height * block[0] - bottom, width * block[1] - right]),
    g.int64('axes', [1, 2]),
  ]
  g.give(op.outputs[0], 'plain', 'Slice', [whole, ...bounds])
}

export const batchSpaces: Readonly<Record<string, Translate>> = {
  SPACE_TO_BATCH_ND: spaceToBatch,
  BATCH_TO_SPACE_ND: batchToSpace,
}
