// Step `qat`: what the step `quantize` planned is trained with, weights and scales together, held to what the float model answers; the
// bundle then holds the very codes that were trained (LSQ: Esser et al., "Learned Step Size Quantization", 2020).
import { StudioError } from '../../base/errors.ts'
import { hashBytes } from '../../base/hash.ts'
import { number, type OptionValues } from '../../base/options.ts'
import { pack } from '../../base/pack.ts'
import type { Graph, Model, Node, ValueName } from '../../ir/model.ts'
import { isInt } from '../../ir/number-format.ts'
import type { QuantPlan } from '../../ir/quant.ts'
import type { RoundedRead } from '../../ir/training.ts'
import { infer } from '../../ops/infer.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { fixedOutputs } from '../../stages/quantize/fixed.ts'
import { quantizeModel } from '../../stages/quantize/qdq.ts'
import { withTabledReciprocals } from '../../stages/quantize/reciprocals.ts'
import { readsOf } from '../../stages/quantize/repairs/brecq.ts'
import { train } from '../../stages/train/loop.ts'
import type { Term } from '../../stages/train/losses.ts'
import { quantizedTrainee } from '../../stages/train/quantized-trainee.ts'
import { type Part, partOf } from '../../stages/train/trainee.ts'
import { findTarget } from '../../targets/index.ts'
import { emptyVariant, type State, type StepEnv, step, type Variant } from '../state.ts'
import { type Material, materialFor, openLessons } from './lessons.ts'
import { likenessOf } from './likeness.ts'
import { writtenFor } from './quantize.ts'
import { resolved, slotFor, trainedBy, trainingBy, withParameters } from './trained.ts'
import { loopOptions, trainingOptions, views } from './training-options.ts'

const options = {
  ...trainingOptions(0.001),
  scaleRate: number('Rate of scales over that of weights', { default: 1, min: 0, max: 100, step: 0.01 }),
  views,
  temperature: number('Temperature', { default: 2, min: 0.1, max: 20, step: 0.1 }),
  outputs: number('Weight of the squared error of outputs', { default: 100, min: 0, max: 1000, step: 0.01 }),
  features: number('Weight of features', { default: 0, min: 0, max: 1000, step: 0.01 }),
}
export type QatOptions = OptionValues<typeof options>

export const qat = step({
  id: 'qat',
  label: 'Train what is quantised',
  stands: 'behind',
  options,
  needs: () => ['training'],
  ...trainingBy('qat', learnable, async (state: State, o: QatOptions, env: StepEnv): Promise<State> => {
    const planned = state.variants.filter(v => v.plan !== null && v.rounded !== null)
    if (planned.length === 0)
      throw new StudioError('bad-recipe', 'The step qat has no quantised model to train', {
        where: { step: 'qat' },
        hint: 'Put { "do": "quantize" } with integer formats before it.',
      })
    const material = await materialFor('qat', false, env)
    // Bundles of one plan are one model.
    const done = new Map<string, Awaited<ReturnType<typeof trained>>>()
    const variants: Variant[] = []
    for (const variant of state.variants) {
      if (!planned.includes(variant)) {
        variants.push(variant)
        continue
      }
      const key = hashBytes(pack([variant.plan, variant.rounded!.graph]))
      const found = done.get(key) ?? (await trained(variant, state, o, material, key, env))
      done.set(key, found)
      variants.push(await rewritten(variant, found, env))
    }
    const all = [...done.values()]
    return {
      ...state,
      variants,
      trained: [...state.trained, ...all.map(({ reached }) => trainedBy('qat', material.samples.length, reached))],
      notes: [...state.notes, ...material.notes],
      steps: [...state.steps, resolved('qat', o, all[0].reached)],
    }
  }),
})

/** What of the float model would be trained. */
function learnable(state: State, o: QatOptions, env: StepEnv): Promise<Part> {
  const student = infer(upgradeOpset(infer(state.model), 13))
  const { values } = likenessOf(student, student, null, env.input, o)
  return partOf(student.graph, values, env.ctx.bytes)
}

async function trained(variant: Variant, state: State, o: QatOptions, material: Material, key: string, env: StepEnv) {
  const { ctx } = env
  const plan = variant.plan!
  const student = infer(variant.rounded!)
  const teacher = infer(variant.reference ?? state.model)
  const like = likenessOf(student, teacher, null, env.input, o)
  const part = await partOf(student.graph, like.values, ctx.bytes)
  const seen = seenRounded(student.graph, part, plan, like.values)
  const steps = {
    reads: seen.reads,
    rate: o.scaleRate,
    exact: teacher.graph,
    ...keptScales(student.graph, plan, variant),
  }
  const trainee = await quantizedTrainee(student.graph, { ...part, nodes: seen.nodes }, plan, steps, ctx.bytes)
  const terms = (meanSquare: (name: ValueName) => number): Term[] =>
    like.terms(name => meanSquare(seen.ends.get(name)!)).map(term => ({ ...term, value: seen.ends.get(term.value)! }))
  const wanted = new Map(like.values.map(name => [name, seen.ends.get(name)!]))
  const given = { part, student, teacher, wanted, views: o.views }
  const { lessons, close } = await openLessons(given, terms, material, o, null, ctx)
  try {
    const reached = await train(trainee, lessons, loopOptions(o), slotFor(env, ['qat', o, key]), 'qat', ctx)
    trainee.settle()
    return { reached, plan: trainee.plan(), model: infer(withParameters(student, trainee.parameters)) }
  } finally {
    await close()
  }
}

/**
 * Who reads what rounded, with a node behind each end, so that an end that integer nodes make is seen as the bundle gives it. `ends` has
 * for each value the one that the loss is about.
 */
export function seenRounded(graph: Graph, part: Part, plan: QuantPlan, values: readonly ValueName[]) {
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n.id] as const)))
  const ends = new Map<ValueName, ValueName>()
  const behind: Node[] = values.map(name => {
    const end = `${name}/seen`
    ends.set(name, end)
    return {
      id: end,
      op: 'Identity',
      domain: '',
      name: '',
      inputs: [name],
      outputs: [end],
      attrs: new Map(),
      origin: [],
    }
  })
  const reads = new Map<ValueName, RoundedRead>(readsOf(part.nodes, { model: { graph } as Model, plan }, 0))
  for (const { id, inputs } of behind) {
    const read = reads.get(inputs[0]!)
    if (read && plan.integer.has(makers.get(inputs[0]!)!) && !plan.floatOutputs)
      reads.set(inputs[0]!, { ...read, readers: new Set([...read.readers, id]) })
  }
  return { ends, reads, nodes: [...part.nodes, ...behind] }
}

/** Scales that the target prescribes or that pixels have stay; what a Clip bounds needs no more than it had. */
function keptScales(graph: Graph, plan: QuantPlan, { target, raw }: Variant) {
  const fixed = new Set(raw.map(r => r.centred))
  for (const [name, { spec }] of plan.activations)
    if (isInt(spec.format) && fixedOutputs(graph, findTarget(target), spec.format.bits).has(name)) fixed.add(name)
  const bounded = new Set(
    graph.nodes.flatMap(n => (n.op === 'Clip' || n.op === 'HardSigmoid' || n.op === 'Sigmoid' ? n.outputs : [])),
  )
  return { fixed, bounded: new Set([...bounded].filter(name => name !== null)) }
}

async function rewritten(
  variant: Variant,
  { plan: trained, model }: { plan: QuantPlan; model: Model },
  { ctx, wanted }: StepEnv,
): Promise<Variant> {
  const target = findTarget(variant.target)
  const plan = withTabledReciprocals(trained, model.graph, target)
  const quantized = await quantizeModel(model, plan, ctx.bytes)
  const written = await writtenFor(target, variant.form, quantized, ctx.bytes)
  const asked = wanted.find(w => w.target.id === variant.target && w.form === variant.asked && w.io === variant.io)!
  const { reference, raw, floatLeft } = variant
  const { weights, activations } = variant.precision
  return {
    ...emptyVariant(asked, variant.form, written, plan, floatLeft, [weights, activations]),
    reference,
    rounded: model,
    raw,
  }
}
