// What the step `quantize` sees of the samples: one sweep, kept under a key of all that it depends on.
import { StudioError } from '../../base/errors.ts'
import type { Dataset } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import type { Observation } from '../../ir/quant.ts'
import { batchOf, observe, type Sweep } from '../../stages/observe/index.ts'
import type { InputSeen, StepEnv } from '../state.ts'
import { needsHistogram, type QuantizeOptions } from './quantize-options.ts'

/** What a sweep that was kept has seen. */
interface Look {
  values: readonly ValueName[]
  histogram: boolean
}

/** Whether a look has all that another would see, to the bit: in batches of the same size, which moving averages depend on. */
const covers = (model: Model, look: Look, wanted: Look, batch: number): boolean =>
  (look.histogram || !wanted.histogram) &&
  wanted.values.every(name => look.values.includes(name)) &&
  batchOf(model, look.values, batch) === batchOf(model, wanted.values, batch)

/** Starts from any sweep that was kept and has seen as much. */
export async function gather(
  model: Model,
  values: readonly ValueName[],
  data: Dataset,
  count: number,
  o: QuantizeOptions,
  env: StepEnv,
  repaired: object | null = null,
): Promise<Sweep> {
  const wanted: Look = { values, histogram: needsHistogram(o) }
  // Nothing else of the step's options is in the keys: another method over the same values starts from what is kept.
  const common = { count, batch: o.batch, ...(repaired ? { repaired } : {}) }
  const looks = env.slot?.({ stage: 'looks', ...common })
  const known = (await looks?.load<Look[]>()) ?? []
  const look = known.find(each => covers(model, each, wanted, o.batch)) ?? wanted
  const options = { count, batch: o.batch, histogram: look.histogram }
  const sweep = await env.memo({ stage: 'observe', ...common, ...look }, () =>
    observe(model, data, look.values, options, env.ctx),
  )
  if (!known.includes(look)) await looks?.save([...known, look])
  if (sweep.samples === 0)
    throw new StudioError('bad-data', `No sample of ${data.name} could be used for calibration`, {
      where: { file: data.name },
      hint:
        data.skipped.length > 0
          ? `The first was skipped because: ${data.skipped[0].why}`
          : 'Give at least one sample, better a hundred.',
    })
  return sweep
}

/**
 * Looks at the samples only for values that `known`, or else the first look, has not seen; a float model that was repaired is always looked
 * at. `widened`: what a first look sees beyond what is asked.
 */
export function gatherOnce(
  known: Sweep | null,
  widened: (o: QuantizeOptions) => QuantizeOptions = o => o,
): typeof gather {
  let seen = known
  return async (model, values, data, count, o, env, repaired) => {
    if (!repaired && seen && values.every(name => seen!.observations.has(name))) return seen
    const sweep = await gather(model, values, data, count, widened(o), env, repaired)
    if (!repaired) seen ??= sweep
    return sweep
  }
}

/** Shape of one sample and range of all, per input: what golden inputs are drawn within. */
export async function inputsSeen(
  model: Model,
  data: Dataset,
  observations: ReadonlyMap<ValueName, Observation>,
  env: StepEnv,
): Promise<Record<ValueName, InputSeen>> {
  const seen: Record<ValueName, InputSeen> = {}
  for await (const { feeds } of data.samples({ count: 1, signal: env.ctx.signal })) {
    for (const name of requiredInputs(model.graph)) {
      const observation = observations.get(name)
      if (feeds[name])
        seen[name] = { shape: feeds[name].shape, min: observation?.min ?? -1, max: observation?.max ?? 1 }
    }
  }
  return seen
}
