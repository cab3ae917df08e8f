// A Slice whose bounds are constant, whichever opset wrote it: attributes before 10, inputs since.
import type { Editor } from '../../ir/edit.ts'
import { attrInts, type Node } from '../../ir/model.ts'
import { intsOf } from './constant.ts'

export interface Slice {
  starts: number[]
  ends: number[]
  axes: number[]
  steps: number[]
}

/** Exporters write INT32_MAX or INT64_MAX for "to the end". */
export const toTheEnd = 2147483647

export function sliceOf(node: Node, e: Editor, opset: number): Slice | null {
  const [, startsName, endsName, axesName, stepsName] = node.inputs
  const given = (name: string | null | undefined): boolean => name !== null && name !== undefined
  const starts = opset < 10 ? attrInts(node, 'starts') : intsOf(e, startsName ?? null)
  const ends = opset < 10 ? attrInts(node, 'ends') : intsOf(e, endsName ?? null)
  if (!starts || !ends) return null
  const inOrder = starts.map((_, i) => i)
  const axes = opset < 10 ? (attrInts(node, 'axes') ?? inOrder) : given(axesName) ? intsOf(e, axesName!) : inOrder
  const steps = opset >= 10 && given(stepsName) ? intsOf(e, stepsName!) : starts.map(() => 1)
  return axes && steps ? { starts, ends, axes, steps } : null
}
