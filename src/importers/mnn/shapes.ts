// MNN's operators that move values: reshaping, cutting, gathering, padding.
import { int, string, type ValueName } from '../../ir/model.ts'
import type { Ended, Step } from './translation.ts'

export function reshape(step: Step): Ended {
  const [x, shape] = step.inputs
  const dims = step.param('Reshape')?.dims
  if (shape === undefined && !dims) throw step.refuse('has no shape')
  return step.end('Reshape', [x, shape === undefined ? step.ints([...dims!]) : step.int64(shape)])
}

/** From `begin`, `size` elements of every axis; a size of -1 goes to the end. */
export function sliceTf(step: Step): Ended {
  const [x, begin, size] = step.inputs
  const [starts, sizes] = [step.numbers(begin), step.numbers(size)]
  const toEnd = 2147483647
  if (starts && sizes) {
    const ends = sizes.map((n, i) => (n < 0 ? toEnd : starts[i] + n))
    return step.end('Slice', [x, step.ints(starts), step.ints(ends)])
  }
  const from = step.int64(begin)
  const lengths = step.int64(size)
  // A size of -1 can only be told apart where it is known.
  if (sizes?.some(n => n < 0)) {
    const ends = step.ints(sizes.map(n => (n < 0 ? toEnd : n)))
    const known = step.add('Add', [from, lengths])
    const open = step.constant(
      { dtype: 'bool', shape: [sizes.length], data: Uint8Array.from(sizes, n => (n < 0 ? 1 : 0)) },
      'open',
    )
    return step.end('Slice', [x, from, step.add('Where', [open, ends, known])])
  }
  return step.end('Slice', [x, from, step.add('Add', [from, lengths])])
}

export function stridedSlice(step: Step): Ended {
  const { beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask, fromType } = step.need('StridedSliceParam')
  if (fromType === 1) return step.end('Slice', [step.inputs[0], ...step.inputs.slice(1).map(step.int64)])
  const [x, begin, end, stride] = step.inputs
  if (ellipsisMask || newAxisMask) throw step.refuse('adds axes or stands for several')
  const steps = step.numbers(stride)
  if ((beginMask || endMask || shrinkAxisMask) && !steps) throw step.refuse('is told its steps by another tensor')
  const rank = steps?.length ?? 0
  const axes = Array.from({ length: rank }, (_, i) => i)
  const marked = (mask: number): number[] => axes.filter(i => (mask >> i) & 1)
  const open = (name: ValueName, mask: number, value: (i: number) => number): ValueName => {
    if (mask === 0) return step.int64(name)
    const known = step.numbers(name)
    if (known) return step.ints(known.map((v, i) => ((mask >> i) & 1 ? value(i) : v)))
    const flags = step.constant(
      { dtype: 'bool', shape: [rank], data: Uint8Array.from(axes, i => (mask >> i) & 1) },
      'open',
    )
    return step.add('Where', [flags, step.ints(axes.map(value)), step.int64(name)])
  }
  const far = 2147483647
  const back = (i: number): boolean => (steps?.[i] ?? 1) < 0
  const starts = open(begin, beginMask, i => (back(i) ? far : 0))
  const shrunk = marked(shrinkAxisMask)
  // An axis that is picked from ends right after its begin.
  const ends =
    shrunk.length > 0
      ? step.add('Where', [
          step.constant(
            { dtype: 'bool', shape: [rank], data: Uint8Array.from(axes, i => (shrinkAxisMask >> i) & 1) },
            'picked',
          ),
          pickedEnds(step, begin, starts),
          open(end, endMask, i => (back(i) ? -far : far)),
        ])
      : open(end, endMask, i => (back(i) ? -far : far))
  const inputs = [x, starts, ends, ...(rank > 0 ? [step.ints(axes), step.ints(steps!)] : [])]
  if (shrunk.length === 0) return step.end('Slice', inputs)
  return step.end('Squeeze', [step.add('Slice', inputs), step.ints(shrunk)])
}

function pickedEnds(step: Step, begin: ValueName, starts: ValueName): ValueName {
  const known = step.numbers(begin)
  // After -1, the last, comes the end and not 0.
  if (known) return step.ints(known.map(v => (v === -1 ? 2147483647 : v + 1)))
  return step.add('Add', [starts, step.ints([1])])
}

export function gather(step: Step): Ended {
  const [x, indices, axisInput] = step.inputs
  const axis = axisInput === undefined ? (step.param('Gather')?.axis ?? 0) : step.numbers(axisInput)?.[0]
  if (axis === undefined) throw step.refuse('is told its axis by another tensor')
  return step.end('Gather', [x, indices], { axis: int(axis) })
}

const padModes: Readonly<Record<number, string>> = { 0: 'constant', 1: 'reflect', 3: 'edge' }

/** The pads are [begin, end] of every axis in turn, ONNX has all begins first. */
export function pad(step: Step): Ended {
  const mode = padModes[step.param('PadParam')?.mode ?? 0]
  if (!mode) throw step.refuse('mirrors its edges')
  const [x, pads, value] = step.inputs
  const known = step.numbers(pads)
  const order = (): ValueName => {
    if (known) return step.ints([...known.filter((_, i) => i % 2 === 0), ...known.filter((_, i) => i % 2 === 1)])
    const pairs = step.add('Reshape', [step.int64(pads), step.ints([-1, 2])])
    return step.add('Reshape', [step.add('Transpose', [pairs]), step.ints([-1])])
  }
  return step.end('Pad', [x, order(), ...(value === undefined ? [] : [value])], { mode: string(mode) })
}
