// The integer executor: a QDQ model computed as the target's own integer kernels compute it, so that what is previewed is what will
// run. What the target computes in float goes through the runtime.
import type { TypedArray } from '../../base/dtype.ts'
import type { Feeds, Runner, Session, SessionOptions } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import type { FloatReason } from '../../ir/quant.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { infer } from '../../ops/infer.ts'
import { type ArithmeticId, arithmetics } from './arithmetic/index.ts'
import { codeArray } from './constants.ts'
import { planSteps, type Step } from './plan.ts'
import { mapped, tableOf } from './table.ts'
import { type Arithmetic, affineOf, codesOf, type Lent, type Params, type Run } from './types.ts'
import { findUnits } from './units.ts'

export interface Simulation extends Session {
  /** Nodes that are computed on integers, by id. */
  readonly integer: readonly string[]
  /** Operators behind a DequantizeLinear that are computed in float none the less. */
  readonly float: readonly FloatReason[]
}

/** A step that takes what it reads from `values` and puts there what it makes. */
interface Ready {
  reads: readonly ValueName[]
  run(values: Map<ValueName, NdArray>): Promise<void>
}

/** Opens a QDQ model. Values are given as the graph names them: codes of a QuantizeLinear, floats behind a DequantizeLinear. */
export async function simulate(
  model: Model,
  id: ArithmeticId,
  lent: Lent,
  options: SessionOptions = {},
): Promise<Simulation> {
  const arithmetic: Arithmetic = arithmetics[id]
  const typed = infer(model, { lenient: true })
  const found = await findUnits(typed, arithmetic, lent.bytes)
  const wanted = [...new Set(options.outputs ?? typed.graph.outputs)]
  const steps = planSteps(typed, found, arithmetic, wanted)
  const sessions: Session[] = []
  const ready: Ready[] = []
  for (const step of steps) ready.push(await prepare(step, typed, arithmetic, lent, sessions))

  const last = new Map<ValueName, number>()
  ready.forEach((step, i) => {
    for (const name of step.reads) last.set(name, i)
  })
  const run = async (feeds: Feeds): Promise<Record<ValueName, NdArray>> => {
    const values = new Map<ValueName, NdArray>(Object.entries(feeds))
    for (const [i, step] of ready.entries()) {
      await step.run(values)
      for (const name of step.reads) if (last.get(name) === i && !wanted.includes(name)) values.delete(name)
    }
    return Object.fromEntries(wanted.map(name => [name, values.get(name)!]))
  }
  return {
    onDevice: false,
    integer: steps.flatMap(step => (step.kind === 'unit' ? [step.unit.node.id] : [])),
    float: found.float,
    run,
    // A preview says nothing of how fast the target is.
    time: async () => Number.NaN,
    close: async () => {
      for (const session of sessions) await session.close()
    },
  }
}

/** A runner whose sessions simulate: stages that run a quantised model preview it with this one in their context. */
export const simulator = (id: ArithmeticId, lent: Lent): Runner => ({
  engine: 'wasm',
  threads: 1,
  open: (model, options) => simulate(model, id, lent, options),
  discard: () => {},
  peakBytes: () => lent.runner.peakBytes(),
})

async function prepare(
  step: Step,
  model: Model,
  arithmetic: Arithmetic,
  lent: Lent,
  sessions: Session[],
): Promise<Ready> {
  switch (step.kind) {
    case 'float': {
      const session = await lent.runner.open(cutGraph(model, step.inputs, step.outputs))
      sessions.push(session)
      return {
        reads: step.inputs,
        async run(values) {
          const feeds = Object.fromEntries(step.inputs.map(name => [name, values.get(name)!]))
          for (const [name, array] of Object.entries(await session.run(feeds))) values.set(name, array)
        },
      }
    }
    case 'unit': {
      const { unit, op } = step
      const compute: Run = await op.prepare(unit, arithmetic, lent, model)
      const names = unit.node.inputs.map((name, i) =>
        unit.inputs[i]?.constant || name === null ? null : (unit.inputs[i]?.codes ?? name),
      )
      return {
        reads: names.filter(name => name !== null),
        async run(values) {
          values.set(
            unit.output.name,
            await compute(names.map(name => (name === null ? null : (values.get(name) ?? null)))),
          )
        },
      }
    }
    case 'requantize': {
      const { x, y } = step
      const [name, from] = [step.to.outputs[0]!, step.from.inputs[0]!]
      const f = tableOf(x.dtype, arithmetic.rescaler!(affineOf(x), affineOf(y)))
      return {
        reads: [from],
        async run(values) {
          const { shape, data } = values.get(from)!
          values.set(name, { dtype: y.dtype, shape, data: mapped(data as Int8Array, f, y.dtype) })
        },
      }
    }
    default:
      return pair(step.node, step.kind, step.params, arithmetic)
  }
}

/** A QuantizeLinear or DequantizeLinear of its own. */
function pair(
  node: Node,
  kind: 'quantize' | 'dequantize',
  { dtype, scale, zeroPoint, axis }: Params,
  arithmetic: Arithmetic,
): Ready {
  const from = node.inputs[0]!
  const bounds = codesOf(dtype)
  return {
    reads: [from],
    async run(values) {
      const { shape, data } = values.get(from)!
      const inner = axis === null ? data.length : shape.slice(axis + 1).reduce((n, d) => n * d, 1)
      const x = data as Exclude<TypedArray, BigInt64Array | BigUint64Array>
      const channel = (i: number): number => (axis === null ? 0 : Math.floor(i / inner) % scale.length)
      const affine = Array.from(scale, (s, c) => ({ scale: s, zeroPoint: zeroPoint[c], ...bounds }))
      const y = kind === 'quantize' ? codeArray(dtype, x.length) : new Float32Array(x.length)
      for (let i = 0; i < x.length; i++) {
        const of = affine[channel(i)]
        y[i] = kind === 'quantize' ? arithmetic.quantize(x[i], of) : (x[i] - of.zeroPoint) * of.scale
      }
      values.set(node.outputs[0]!, { dtype: kind === 'quantize' ? dtype : 'float32', shape, data: y })
    },
  }
}
