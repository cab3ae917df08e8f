// What the steps go by where no sample says anything: inputs made up in the samples' place, or what BatchNormalization kept of its training.
import { StudioError } from '../../base/errors.ts'
import { expectedInputs } from '../../data/expected-input.ts'
import { synthesise } from '../../data/synthesise.ts'
import { type ChannelNormals, reachOf } from '../../ir/channel-normals.ts'
import type { Dataset } from '../../ir/context.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import type { Observation, QuantSpec, Range } from '../../ir/quant.ts'
import { batchNormStatistics } from '../../stages/estimate/batch-norm.ts'
import { estimate } from '../../stages/estimate/index.ts'
import type { State, StepEnv } from '../state.ts'

/** What stands for samples, and why they are lacking; `why` is null where there are some. */
export interface Source {
  data: Dataset
  why: string | null
}

/** The calibration samples, or inputs that are made up where there are none, or none that differs from place to place. */
export async function samplesOr({ original }: State, env: StepEnv): Promise<Source> {
  const { calibration, ctx } = env
  if (calibration && (await saysAnything(calibration, env))) return { data: calibration, why: null }
  const why = calibration
    ? `Every sample of ${calibration.name} is of one value or colour throughout, so that they say nothing and were set aside.`
    : 'No samples were given.'
  return { data: await synthesise(original, env.input, env.samples, ctx), why }
}

/** Whether any sample differs from place to place. Of black pictures nothing is left but what normalisation makes of each colour. */
async function saysAnything(data: Dataset, { samples: count, ctx }: StepEnv): Promise<boolean> {
  for await (const { feeds } of data.samples({ count, signal: ctx.signal })) {
    const floats = Object.values(feeds).filter(a => a.dtype === 'float32' || a.dtype === 'uint8')
    if (floats.length === 0 || floats.some(({ data: x }) => x.length < fewest || !isPlain(x as Float32Array)))
      return true
  }
  return false
}

const fewest = 16 // elements; of fewer all may well be equal

/** One value throughout, or one for each of 3 or 4 colours, as planes or interleaved. */
const isPlain = (x: Float32Array | Uint8Array): boolean =>
  [1, 3, 4].some(
    colours =>
      x.length % colours === 0 &&
      (x.every((v, i) => v === x[i % colours]) || x.every((v, i) => v === x[i - (i % (x.length / colours))])),
  )

/** How ranges were come by without samples, in the words of report, manifest and page. */
export const estimateWords = (why: string, byStatistics: boolean, count: number): string =>
  byStatistics
    ? `${why} THE RANGES OF ACTIVATIONS ARE ESTIMATES from BatchNorm statistics, not measured: calibrate on real samples where you can.`
    : `${why} THE RANGES OF ACTIVATIONS ARE ESTIMATES from ${count} synthesised inputs, not measured on data: calibrate on real samples where you can.`

/** What BatchNorm statistics come to for the values of a float model. Names that the optimised model kept are the imported one's. */
export async function normalsOf(
  { original }: State,
  float: Model,
  env: StepEnv,
): Promise<Map<ValueName, ChannelNormals>> {
  const { bytes } = env.ctx
  const statistics = await batchNormStatistics(original, bytes)
  if (statistics.size === 0) return new Map()
  return estimate(float, statistics, await expectedInputs(float, env.input, bytes), bytes)
}

/** As if the values had been seen: as far as they reach, and nothing of what lies between. */
export function asObservations(
  normals: ReadonlyMap<ValueName, ChannelNormals>,
  values: Iterable<ValueName>,
): Map<ValueName, Observation> {
  const observations = new Map<ValueName, Observation>()
  for (const value of values) {
    const known = normals.get(value)
    if (!known) continue
    const { min, max } = reachOf(known, deviationsFor(8))
    observations.set(value, { value, count: 0, nan: 0, infinite: 0, zeros: 0, min, max, ema: null, histogram: null })
  }
  return observations
}

/** The range that is worth representing with so many bits. */
export const normalRange = (normals: ChannelNormals, { format }: QuantSpec): Range =>
  reachOf(normals, deviationsFor(format.bits))

// DFQ takes six deviations for eight bits. With fewer it is less, in proportion to where clipping and rounding a normal variable err least
// together (Banner, Nahshan and Soudry 2019, "Post Training 4-bit Quantization of Convolutional Networks for Rapid-Deployment", section 3).
const leastError = [1.24, 1.71, 2.15, 2.55, 2.93, 3.28, 3.61, 3.92]
const deviationsFor = (bits: number): number => (6 * leastError[Math.min(bits, 8) - 1]) / leastError[7]

export const refuseWithout = (value: ValueName): StudioError =>
  new StudioError('bad-recipe', `BatchNorm statistics do not reach the value ${value}`, {
    where: { step: 'quantize', value },
    hint: 'Set the option estimate to auto or synthesised, or give samples with --data.',
  })
