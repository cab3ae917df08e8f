// What samples send into layers, channel by channel of the last axis: sums of products, of squares, largest magnitudes. The runtime
// computes them behind the values, so that only K x K or K numbers a run come out, whatever the number of rows.
import { batches } from '../../../ir/batches.ts'
import type { Context } from '../../../ir/context.ts'
import { type Editor, edit } from '../../../ir/edit.ts'
import { type Attr, int, ints, type Model, requiredInputs, type ValueName } from '../../../ir/model.ts'
import { int64s } from '../../../ir/tensor.ts'
import type { RepairData } from './types.ts'

/** gram: X'X, K x K; squares: its diagonal; sizes: sums of |x|; largest: of |x|; rows: how many there were. */
export type Moment = 'gram' | 'squares' | 'sizes' | 'largest' | 'rows'

export interface Asked {
  value: ValueName
  channels: number
}

export type Moments<M extends Moment> = Record<M, Float64Array>

export async function inputMoments<M extends Moment>(
  model: Model,
  asked: readonly Asked[],
  moments: readonly M[],
  samples: RepairData,
  ctx: Pick<Context, 'runner' | 'signal'>,
): Promise<Map<ValueName, Moments<M>>> {
  const outputs: { value: ValueName; moment: M; output: ValueName }[] = []
  const graph = edit(model.graph, e => {
    for (const { value, channels } of asked) {
      const rows = rowsOf(e, value, channels, model)
      for (const moment of moments) {
        const output = momentOf(
          e,
          moment === 'rows' ? rowsOf(e, ones(e, value), channels, model, value) : rows,
          moment,
          model.opsets[''] ?? 13,
        )
        e.setValue({ name: output, dtype: 'float32', shape: null, data: null })
        outputs.push({ value, moment, output })
      }
    }
  })
  const found = new Map<ValueName, Moments<M>>(asked.map(({ value }) => [value, {} as Moments<M>]))
  const session = await ctx.runner.open({ ...model, graph }, { outputs: outputs.map(o => o.output) })
  try {
    const stream = batches(samples.data, model.graph, samples.batch, { count: samples.count, signal: ctx.signal })
    for await (const { feeds } of stream) {
      ctx.signal.throwIfAborted()
      const got = await session.run(feeds)
      for (const { value, moment, output } of outputs) {
        const data = got[output].data as Float32Array
        const kept = found.get(value)!
        kept[moment] ??= new Float64Array(data.length)
        const sum = kept[moment]
        if (moment === 'largest') for (let i = 0; i < sum.length; i++) sum[i] = Math.max(sum[i], data[i])
        else for (let i = 0; i < sum.length; i++) sum[i] += data[i]
      }
      ctx.runner.discard(got)
    }
  } finally {
    await session.close()
  }
  return found
}

/** Ones in the shape of a value. */
function ones(e: Editor, value: ValueName): ValueName {
  const none = add(e, 'Sub', [value, value], `${value}_none`)
  return add(e, 'Exp', [none], `${value}_ones`)
}

/** The value as rows of its channels; those of padding, where the model is told of it, as zeros. */
function rowsOf(e: Editor, value: ValueName, channels: number, model: Model, like = value): ValueName {
  const shape = e.value(like)?.shape
  const mask = shape?.length === 3 ? e.value('attention_mask') : null
  let from = value
  // The name that exporters of Transformers give it: [batch, tokens], 1 for tokens that are there.
  if (mask?.shape?.length === 2 && requiredInputs(model.graph).includes('attention_mask')) {
    if (shape!.slice(0, 2).every((d, i) => d !== null && d === mask.shape![i])) {
      const cast = add(e, 'Cast', ['attention_mask'], `${value}_there`, [['to', int(1)]])
      const axis = e.addInitializer(`${value}_last`, int64s([2]))
      from = add(e, 'Mul', [value, add(e, 'Unsqueeze', [cast, axis], `${value}_there`)], `${value}_masked`)
    }
  }
  return add(e, 'Reshape', [from, e.addInitializer(`${value}_flat`, int64s([-1, channels]))], `${value}_rows`)
}

function momentOf(e: Editor, rows: ValueName, moment: Moment, opset: number): ValueName {
  if (moment === 'gram') {
    const columns = add(e, 'Transpose', [rows], `${rows}_t`, [['perm', ints([1, 0])]])
    return add(e, 'MatMul', [columns, rows], `${rows}_gram`)
  }
  const first = e.addInitializer(`${rows}_first`, int64s([0]))
  if (moment === 'squares')
    return add(e, 'ReduceSum', [add(e, 'Mul', [rows, rows], `${rows}_sq`), first], `${rows}_sum`)
  if (moment === 'rows') return add(e, 'ReduceSum', [rows, first], `${rows}_count`)
  const sizes = add(e, 'Abs', [rows], `${rows}_abs`)
  if (moment === 'sizes') return add(e, 'ReduceSum', [sizes, first], `${rows}_sum`)
  return opset < 18
    ? add(e, 'ReduceMax', [sizes], `${rows}_max`, [['axes', ints([0])]])
    : add(e, 'ReduceMax', [sizes, first], `${rows}_max`)
}

function add(e: Editor, op: string, inputs: ValueName[], wish: string, attrs: [string, Attr][] = []): ValueName {
  const output = e.freshName(wish)
  e.addNode({ op, inputs, outputs: [output], attrs, origin: [] })
  return output
}
