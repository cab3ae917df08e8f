// What a repair is: something done to a float model before it is observed, or to weights once scales are planned, so that the
// quantised model comes closer to the float one. Names of nodes and values stay; what was tried and left is said in notes.
import type { ChannelNormals } from '../../../ir/channel-normals.ts'
import type { Context, Dataset, Memo } from '../../../ir/context.ts'
import type { Model, ValueName } from '../../../ir/model.ts'
import type { QuantPlan } from '../../../ir/quant.ts'
import type { Training } from '../../../ir/training.ts'
import type { Choice } from '../choose.ts'

/** Samples that a repair may look at: the first `count` of `data`, `batch` a run. */
export interface RepairData {
  data: Dataset
  count: number
  batch: number
}

/** What BatchNorm statistics say of the values of the float model; of those alone that they could be carried to. */
export type Normals = ReadonlyMap<ValueName, ChannelNormals>

/** What repairs that learn are lent, and how far they go. */
export interface Learning {
  training: Training
  /** Steps for each layer or block. */
  iterations: number
  /** Samples that a step looks at, where it looks at samples. */
  batch: number
  /** How errors of a block's output count: alike, or by how much the network's answer depends on them. */
  loss: 'mse' | 'fisher'
}

/**
 * Rewrites the float model so that it is easier to quantise and computes the same. `normals`: what is known of its values where there are no
 * samples of use; given back as they are after the rewriting, and not where that is not known.
 */
export interface GraphRepair {
  id: string
  label: string
  when: 'before-ranges'
  needsData: boolean
  run(
    model: Model,
    choice: Choice,
    samples: RepairData | null,
    ctx: Context,
    normals?: Normals | null,
  ): Promise<{ model: Model; notes: string[]; normals?: Normals }>
}

/**
 * Moves weights and biases to where rounding hurts least. The model that is given back is float and holds reals that lie on the
 * plan's grids, so that writing it rounds nothing any more; scales of weights may change with it. What takes long is kept by `memo`
 * layer by layer under keys of the repair's own, so that one that was cut off goes on there.
 */
export interface WeightRepair {
  id: string
  label: string
  when: 'after-plan'
  needsData: boolean
  run(
    given: { float: Model; model: Model; plan: QuantPlan; choice: Choice; normals: Normals | null },
    samples: RepairData | null,
    ctx: Context,
    learning: Learning,
    memo: Memo,
  ): Promise<{ model: Model; plan: QuantPlan; notes: string[] }>
}

export type Repair = GraphRepair | WeightRepair
