// What an importance is: a number for each channel of a group, the smallest of which go first.
import type { Bytes } from '../../../ir/context.ts'
import type { Model } from '../../../ir/model.ts'
import type { Group } from '../groups.ts'
import type { ChannelStatistics } from '../statistics.ts'

/** What a score may go by. */
export interface Evidence {
  model: Model
  bytes: Pick<Bytes, 'read'>
  /** Of the values by which the group's channels are read; empty where nothing was looked at. */
  statistics: readonly ChannelStatistics[]
  /** Squares of what the outputs change by without each channel, [size]; where gradients were asked for. */
  changes?: Float64Array
}

export interface Importance {
  id: string
  label: string
  /** Whether it needs samples, */
  needsData: boolean
  /** and of these how channels go with each other. */
  needsPairs?: true
  /** or how the outputs change with them. */
  needsGradients?: true
  /** [size]; null where the group has nothing to go by. */
  score(group: Group, evidence: Evidence): Promise<Float64Array | null>
}
