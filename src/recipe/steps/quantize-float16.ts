// The whole model in float16, or as it is, where the options of `quantize` ask for no integers.
import { type Model, type Node, requiredInputs, type ValueName } from '../../ir/model.ts'
import { toFloat16 } from '../../stages/quantize/to-float16.ts'
import { emptyVariant, floatVariants, type State, type StepEnv, type Wanted } from '../state.ts'
import { gather, inputsSeen } from './observed.ts'
import type { PerNode, QuantizeOptions } from './quantize-options.ts'

// Enough to see how large values become.
const rangeSamples = 32

/** `halved`: those of the bundles that hold float16; the others hold the model as it is. */
export async function float16Variants(
  state: State,
  model: Model,
  perNode: PerNode,
  o: QuantizeOptions,
  halves: ReadonlySet<Wanted>,
  env: StepEnv,
): Promise<State> {
  const halved = halves.size > 0
  const { graph } = model
  const floats = [...requiredInputs(graph), ...graph.nodes.flatMap(n => n.outputs)].filter(
    name => name !== null && graph.values.get(name)?.dtype === 'float32',
  ) as ValueName[]
  const seen =
    halved && env.calibration
      ? await gather(model, floats, env.calibration, Math.min(env.samples, rangeSamples), o, env)
      : null
  const start = env.ctx.clock()
  const notes = [...state.notes]
  if (o.rawInput) notes.push('Inputs are fed as before, not as pixels, since nothing is quantised to integers.')
  const keep = (node: Node): boolean => perNode.formats(node).weights === 'float32'
  const half = halved ? await toFloat16(model, env.ctx.bytes, keep, seen?.observations ?? null) : null
  for (const { value: name, count } of half?.clamped ?? [])
    notes.push(`${count} weights of ${name} were beyond float16 and are clamped to \u00b165504.`)
  for (const { value: name, count } of half?.vanished ?? [])
    notes.push(`${count} weights of ${name} were too small for float16 and are zero now.`)
  const variants = env.wanted.flatMap(w =>
    half && halves.has(w)
      ? [emptyVariant(w, 'float16', half.model, null, half.float, ['float16', 'float16'])]
      : floatVariants(model, [w]),
  )
  return {
    ...state,
    model,
    variants,
    observed: seen
      ? { samples: seen.samples, inputs: await inputsSeen(model, env.calibration!, seen.observations, env) }
      : state.observed,
    notes,
    timing: { ...state.timing, quantizeMs: env.ctx.clock() - start },
  }
}
