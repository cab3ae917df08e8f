// Equalisation by activations: channels that use little of their tensor's range are scaled up, so that one scale for the tensor wastes
// fewer codes on them. With r = channel's reach / tensor's reach, t = r^strength: at 1 every channel spans the whole range, and values
// beyond those seen are clipped in all of them; at 0.5, which measured best, half of the room (in octaves) is left to them.
// After Nagel et al. 2019 (Data-Free Quantization, section 4.1), with ranges of activations in place of those of weights, and tied
// along residual streams.
import { pow } from '../../../base/math.ts'
import type { Context } from '../../../ir/context.ts'
import type { Model, ValueName } from '../../../ir/model.ts'
import { type ChannelStatistics, channelStatistics } from '../channel-statistics.ts'
import { type Ties, tiesOf } from '../channel-ties.ts'
import type { Choice } from '../choose.ts'
import { scaleChannels, scaledNormals } from '../scale-channels.ts'
import { clipNotes } from './equalize-full.ts'
import type { GraphRepair, Normals, RepairData } from './types.ts'

export const equalize = {
  id: 'equalize',
  label: 'Equalise channels of activations',
  when: 'before-ranges',
  needsData: true,
  run: (model, choice, samples, ctx, normals) => equalizeBy(0.5, model, choice, samples!, ctx, normals),
} as const satisfies GraphRepair

/** The model with the channels of its quantised activations scaled, by r^strength. */
export async function equalizeBy(
  strength: number,
  model: Model,
  choice: Choice,
  samples: RepairData,
  ctx: Context,
  normals: Normals | null = null,
): Promise<{ model: Model; notes: string[]; normals?: Normals }> {
  const ties = tiesOf(model)
  const axes = new Map<ValueName, number>()
  for (const name of choice.values) {
    const lane = ties.lanes.get(name)
    if (lane?.sets.some(set => set !== 0)) axes.set(name, lane.axis)
  }
  const statistics = await channelStatistics(model, axes, samples, ctx)
  const t = scalesOf(ties, statistics, strength)
  const after = normals ? { normals: scaledNormals(normals, ties, t) } : {}
  return { model: await scaleChannels(model, ties, t, ctx.bytes), notes: clipNotes(ties), ...after }
}

/**
 * t of each set of channels. A set reaches as far as the channel of it that reaches furthest in its tensor, so that no tensor's range
 * grows. Dead channels stay.
 */
export function scalesOf(
  ties: Pick<Ties, 'count' | 'lanes'>,
  statistics: ReadonlyMap<ValueName, ChannelStatistics>,
  strength: number,
): Float64Array {
  const reach = new Float64Array(ties.count)
  for (const [name, { min, max }] of statistics) {
    const { sets } = ties.lanes.get(name)!
    const [low, high] = [-Math.min(0, ...min), Math.max(0, ...max)]
    for (const [c, set] of sets.entries())
      reach[set] = Math.max(reach[set], high > 0 ? max[c] / high : 0, low > 0 ? -min[c] / low : 0)
  }
  return reach.map((r, set) => (set === 0 || !(r > 0) ? 1 : pow(Math.max(r, smallest), strength)))
}

// DFQ's bound: beyond it a channel is noise, and its weights would leave float32's comfort.
const smallest = 1e-3
