// What targets are given whose own toolkits quantise: the float model in the shapes of what was quantised here, samples as files with
// their list, and what is said of both.
import type { OutFile } from '../base/bytes.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import { freeze } from '../ops/freeze.ts'
import { infer } from '../ops/infer.ts'

/** The toolkits want every dimension, as the model has them that is quantised here. */
export function shapedAs(float: Model, { graph }: Model): Model {
  const shapes: Record<ValueName, readonly number[]> = {}
  for (const name of requiredInputs(float.graph)) {
    const shape = graph.values.get(name)?.shape
    if (shape?.every(dim => typeof dim === 'number' && dim > 0)) shapes[name] = shape as number[]
  }
  return infer(freeze(float, shapes))
}

/** What a bundle says of the samples in it; `real` ones are the user's. */
export function samplesNote(files: readonly OutFile[], real: boolean): string {
  const last = files.at(-1)?.path
  return real
    ? `The files ${files[0]?.path} to ${last} hold real samples: give the bundle to those only who may see them.`
    : 'calibration/ holds made-up samples: put real ones in their place before building, or ask for some with "samples" of the export step.'
}
