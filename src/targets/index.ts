// The list of targets, and the lookup that names near ones.
import { StudioError } from '../base/errors.ts'
import type { Target } from '../ir/target.ts'
import { onnx } from './onnx.ts'
import { onnxruntime, ortWeb } from './onnxruntime.ts'

export const targets: readonly Target[] = [onnxruntime, ortWeb, onnx]

export function findTarget(id: string): Target {
  const target = targets.find(t => t.id === id)
  if (target) return target
  throw new StudioError('usage', `There is no target ${id}`, {
    hint: `Choose one of: ${targets.map(t => t.id).join(', ')}.`,
  })
}
