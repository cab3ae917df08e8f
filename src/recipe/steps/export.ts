// Step `export`: a bundle that is wished for. What it holds is written when the recipe has run; quantisation looks ahead to it.
import * as v from 'valibot'
import { choice, number, value } from '../../base/options.ts'
import { targets } from '../../targets/index.ts'
import { step } from '../state.ts'

export const exportStep = step({
  id: 'export',
  label: 'Export a bundle',
  options: {
    target: choice(
      'Target',
      targets.map(t => t.id),
      'onnxruntime',
    ),
    form: value('Form', v.nullable(v.string()), null as string | null),
    io: choice('Inputs and outputs', ['float', 'integer'], 'float'),
    scramble: value(
      'Key that weights in C are scrambled by',
      v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/))),
      null as string | null,
    ),
    samples: number('Real calibration samples in the bundle', { default: 0, min: 0, max: 4096 }),
  },
  needs: () => [],
  run: async state => state,
})
