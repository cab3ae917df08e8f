// Windows of convolutions and pooling as explicit numbers: automatic padding and rounding up resolved from the sizes.
import { attrInt, attrInts, attrString, type Node } from '../ir/model.ts'
import { Refused } from './graph-view.ts'

export interface Window {
  kernel: readonly number[]
  strides: readonly number[]
  dilations: readonly number[]
  begins: readonly number[]
  ends: readonly number[]
  /** By how much the last window reaches past the padding at the end, where sizes are rounded up. */
  over: readonly number[]
}

/** `input` and `output` are the sizes of the spatial axes. */
export function windowOf(
  node: Node,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Window {
  const ones = kernel.map(() => 1)
  const strides = attrInts(node, 'strides') ?? ones
  const dilations = attrInts(node, 'dilations') ?? ones
  const span = kernel.map((k, i) => dilations[i] * (k - 1) + 1)
  const needed = span.map((s, i) => Math.max(0, (output[i] - 1) * strides[i] + s - input[i]))
  const auto = attrString(node, 'auto_pad', 'NOTSET')
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const less = needed.map(n => Math.floor(n / 2))
    const more = needed.map((n, i) => n - less[i])
    const [begins, ends] = auto === 'SAME_UPPER' ? [less, more] : [more, less]
    return { kernel, strides, dilations, begins, ends, over: kernel.map(() => 0) }
  }
  const pads = auto === 'VALID' ? [] : (attrInts(node, 'pads') ?? [])
  const begins = kernel.map((_, i) => pads[i] ?? 0)
  const ends = kernel.map((_, i) => pads[kernel.length + i] ?? 0)
  const over = needed.map((n, i) => (attrInt(node, 'ceil_mode', 0) === 1 ? Math.max(0, n - begins[i] - ends[i]) : 0))
  if ([...begins, ...ends].some(p => p < 0)) throw new Refused('it pads by less than nothing', 'Crop before it.')
  return { kernel, strides, dilations, begins, ends, over }
}
