// Scales of depthwise weights for kernels that take reciprocals of input scale times weight scale from the processor (_mm_rcp_ps), with 12 bits and
// by tables that makers have of their own: one number is another on another machine, and what is previewed is none of them. Where the product of
// the scales is the reciprocal of a number that is in all tables, all kernels compute with that number, and so does the preview.
import { attrInt, type Graph } from '../../ir/model.ts'
import type { QuantParams, QuantPlan } from '../../ir/quant.ts'
import type { Target } from '../../ir/target.ts'

const f32 = Math.fround

/** `plan` with such scales where the target has such kernels. Scales move by a thousandth or two, so that codes of weights on their grid stay. */
export function withTabledReciprocals(plan: QuantPlan, graph: Graph, { quant }: Target): QuantPlan {
  if (!quant.tabledReciprocals) return plan
  const weights = new Map(plan.weights)
  for (const node of graph.nodes) {
    const { id, op, inputs } = node
    const input = plan.activations.get(inputs[0] ?? '')
    const [channels, perGroup] = graph.values.get(inputs[1] ?? '')?.data?.shape ?? []
    const params = plan.weights.get(inputs[1] ?? '')
    const depthwise = op === 'Conv' && perGroup === 1 && attrInt(node, 'group', 1) === channels
    if (plan.integer.has(id) && depthwise && input && params) weights.set(inputs[1]!, moved(params, input.scale[0]))
  }
  return { ...plan, weights }
}

const moved = (params: QuantParams, input: number): QuantParams => ({
  ...params,
  scale: params.scale.map(scale => tabledScale(scale, input)),
})

/** The scale nearest to `scale` whose reciprocal times that of `input`, in float32, is the reciprocal of a number in the tables. */
export function tabledScale(scale: number, input: number): number {
  const perInput = f32(1 / input)
  const wanted = scale / perInput // of the whole: reals of a unit of the sums
  let octave = 1
  while (wanted < octave / 2) octave /= 2
  while (wanted >= octave) octave *= 2
  const at = Math.round((wanted / (octave / 2) - 1) * steps)
  for (let far = 0; far <= farthest; far++)
    for (const step of far === 0 ? [at] : [at - far, at + far]) {
      if (!isInTables(step)) continue
      const number = (1 + step / steps) * (octave / 2)
      // Kernels that divide should come to the same.
      const products = neighbours(f32(1 / number)).filter(product => f32(1 / product) === number)
      const found = products
        .flatMap(product => neighbours(f32(perInput / product)).filter(s => f32(perInput * f32(1 / s)) === product))
        .at(0)
      if (found !== undefined) return found
    }
  return scale
}

const farthest = 24 // steps, of which twelve in a row are missing at most
/** Numbers of an octave with 12 bits. */
const steps = 2048

/**
 * Which of the steps (1 + step / 2048) / 2 `_mm_rcp_ps` gives for their reciprocals and four floats on either side of these, a bit each, lowest
 * first: on an AMD Zen 1 as measured, and by the table that Intel's processors have, the reciprocal of the middle of each 2048th of an octave.
 */
const inTables = [
  'feffff67feeffffefdffbfff5febfbffffffff7ddfdfdfdffecfffbf33bdf76ebcff0ffeffffff83e7ff1ffcc087fffffffdf7f7ffe7eeff6ddbb67fbffaf6eb',
  '5fedffaafaffffdffbf5975fff9ffc6f93c9db0d99e59eff63fff1f7fffd7e7effff80ffffff00feffffffffff01f8fff303fef7dff39787f7dcde31bdf7ce99',
  '3367ef6e21739b906ebbeddb6c27d91ac2b4d30e1248b4d36ead2bf5aada5555bbab2a11dbddddea56b7badd022251482a092491a4922689244dd2244dd22425',
  '699290242425094c0965640c0c81213046c6584a2184100a3196622114a3c028300a0d10b0600102152c40400b6005a8025401b4280002550055802a2a002a00',
].join('')

const isInTables = (step: number): boolean =>
  step >= 0 &&
  step < steps &&
  ((Number.parseInt(inTables[(step >> 3) * 2 + 1 - ((step >> 2) & 1)], 16) >> (step & 3)) & 1) === 1

/** Floats around one, the nearest first. */
function neighbours(x: number): number[] {
  const at = new Float32Array(9).fill(x)
  const bits = new Int32Array(at.buffer)
  for (let i = 1; i < bits.length; i++) bits[i] += i % 2 === 1 ? (i + 1) / 2 : -i / 2
  return [...at]
}
