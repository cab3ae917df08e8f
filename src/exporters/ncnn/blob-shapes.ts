// Shapes and axes as ncnn counts them: without the batch.
import { intParam, type NcnnParam } from '../../formats/ncnn-param.ts'
import { Refused } from '../graph-view.ts'
import type { Planner } from './types.ts'

/** An axis of a value of that rank as ncnn counts it. */
export function axisOf(axis: number, rank: number): number {
  const front = axis < 0 ? rank + axis : axis
  if (front === 0) throw new Refused('it works across the samples of a batch', 'Export the model for one sample.')
  return front - 1
}

/** The shape of a value without its batch, which is one. */
export function inner(name: string, { view }: Planner): number[] {
  const shape = view.shape(name)
  if (shape.length < 2 || shape[0] !== 1)
    throw new Refused(
      `${name} has the shape [${shape}], and ncnn takes one sample at a time`,
      'Keep the first dimension at one.',
    )
  return shape.slice(1)
}

/** Sizes of a blob without its batch, as Reshape, Input and MemoryData take them. */
export function sizesOf(shape: readonly number[]): [number, NcnnParam][] {
  const [w, h, third, fourth] = [...shape].reverse()
  if (shape.length > 4 || w === undefined) throw new Refused(`a blob has no ${shape.length} dimensions`, 'Reshape it.')
  const params: [number, NcnnParam][] = [[0, intParam(w)]]
  if (h !== undefined) params.push([1, intParam(h)])
  // Of four dimensions the third is the depth.
  if (fourth !== undefined) params.push([11, intParam(third)], [2, intParam(fourth)])
  else if (third !== undefined) params.push([2, intParam(third)])
  return params
}
