// Step `cut`: the part of the graph between given inputs and outputs, and dimensions frozen.
import * as v from 'valibot'
import { value } from '../../base/options.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { Model } from '../../ir/model.ts'
import { freeze } from '../../ops/freeze.ts'
import { infer } from '../../ops/infer.ts'
import { step } from '../state.ts'

export const cut = step({
  id: 'cut',
  label: 'Cut the graph and freeze shapes',
  options: {
    inputs: value('Inputs', v.array(v.string()), [] as string[]),
    outputs: value('Outputs', v.array(v.string()), [] as string[]),
    shapes: value('Shapes', v.record(v.string(), v.array(v.number())), {} as Record<string, number[]>),
  },
  needs: () => [],
  clears: true,
  run: async (state, options) => ({ ...state, model: cutModel(state.model, options) }),
})

export interface CutOptions {
  inputs: readonly string[]
  outputs: readonly string[]
  shapes: Readonly<Record<string, number[]>>
}

export function cutModel(model: Model, { inputs, outputs, shapes }: CutOptions): Model {
  const frozen = Object.keys(shapes).length > 0 ? freeze(model, shapes) : model
  return infer(cutGraph(frozen, inputs, outputs))
}
