// Step `cut`: the part of the graph between given inputs and outputs, and dimensions frozen.
import * as v from 'valibot'
import { value } from '../../base/options.ts'
import { cutGraph } from '../../ir/cut.ts'
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
  async run(state, { inputs, outputs, shapes }) {
    const frozen = Object.keys(shapes).length > 0 ? freeze(state.model, shapes) : state.model
    return { ...state, model: infer(cutGraph(frozen, inputs, outputs)) }
  },
})
