// Raster: what MNN's geometry makes of every operator that only moves values, as copies between strided blocks of memory. Each
// element of the output is one of the inputs' or zero, so that a Gather over the flattened inputs says the same.
import { elementCount } from '../../base/dtype.ts'
import { int, type ValueName } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { floatTensor } from './graph.ts'
import type { Ended, Step } from './translation.ts'

const largest = 16777216

export function raster(step: Step): Ended {
  const { regions, dims } = step
  if (!dims || regions.length === 0) throw step.refuse('does not say what it copies')
  const total = elementCount(dims)
  const starts = new Map<ValueName, number>()
  let end = 0
  for (const { from, fromDims } of regions) {
    if (starts.has(from)) continue
    if (!fromDims) throw step.refuse(`copies from ${from}, whose size is not known`)
    starts.set(from, end)
    end += elementCount(fromDims)
  }
  if (total > largest || end > largest) throw step.refuse(`copies ${total} elements one by one`)
  const source = new Float64Array(total).fill(end)
  for (const { from, src, dst, size } of regions) {
    const [a, b, c] = size && size.length === 3 ? size : [1, 1, 1]
    const [read, write] = [src?.stride ?? [1, 1, 1], dst?.stride ?? [1, 1, 1]]
    if (a < 0 || b < 0 || c < 0 || a * b * c > total) throw step.refuse(`copies a block of ${a}×${b}×${c}`)
    for (let i = 0; i < a; i++)
      for (let j = 0; j < b; j++)
        for (let k = 0; k < c; k++) {
          const to = (dst?.offset ?? 0) + i * write[0] + j * write[1] + k * write[2]
          const at = (src?.offset ?? 0) + i * read[0] + j * read[1] + k * read[2]
          if (!(to >= 0 && to < total && at >= 0 && at < end))
            throw step.refuse('copies from or to outside its tensors')
          source[to] = starts.get(from)! + at
        }
  }
  const [first] = starts.keys()
  if (starts.size === 1 && end === total && source.every((at, i) => at === i))
    return step.end('Reshape', [first, step.ints(dims)])
  const flat = [...starts.keys()].map(name => step.add('Reshape', [name, step.ints([-1])]))
  const zero = source.includes(end) ? [step.constant(floatTensor([1], [0]), 'zero')] : []
  const parts = [...flat, ...zero]
  const all = parts.length > 1 ? step.add('Concat', parts, { axis: int(0) }) : parts[0]
  const index = step.constant(int64s(Array.from(source), dims), 'index')
  return step.end('Gather', [all, index], { axis: int(0) })
}
