// What an exporter is: it writes a model in a target's own format. The bundle around it (manifest, golden vectors) is made by jobs.

import type { OutFile } from '../base/bytes.ts'
import type { DType } from '../base/dtype.ts'
import type { ImageInput } from '../data/input-spec.ts'
import type { Bytes, Feeds } from '../ir/context.ts'
import type { Dim, Model, NodeId, ValueName } from '../ir/model.ts'
import type { QuantPlan } from '../ir/quant.ts'
import type { Target } from '../ir/target.ts'

/** An input or output as the written file has it, where that is not how the graph has it. */
export interface Edge {
  name: string
  shape: readonly Dim[]
  layout: 'NCHW' | 'NHWC' | null
  dtype: DType
  /** real = (q - zeroPoint) * scale; null where it is in floats. */
  scale: number | null
  zeroPoint: number | null
}

export interface Written {
  files: OutFile[] // model files only, paths relative to the bundle
  roles: Record<string, string> // role to path, as in the manifest
  notes: string[] // what the format cannot express, and what was done instead
  /** By name in the graph; one that is left out is as the graph has it. */
  edges?: Readonly<Record<ValueName, Edge>>
  /** Programs, scripts and what a target's own compiler wants beside the model. */
  around?: readonly OutFile[]
  /** Markdown: how the bundle is run on the target, in a few lines that work. */
  howToRun?: string
}

/** Something that keeps a model from a target, or from running on it as one would think. */
export interface Problem {
  node: NodeId | null
  op: string
  why: string
  /** 'refused': cannot be written. 'float': runs, but not in integers. 'unknown': nobody here knows. */
  level: 'refused' | 'float' | 'unknown'
  /** What would help. */
  fix?: string
  source: string
}

export interface Calibration {
  samples: readonly Feeds[]
  real: boolean
}

export interface WriteOptions {
  form: string
  io: 'float' | 'integer'
  bytes: Bytes
  /** What is left to do before the model, by input. */
  preprocess: Readonly<Record<ValueName, ImageInput>>
  /**
   * The float model that the scales were decided for, and what was decided, where a step quantised: for formats that carry scales beside a
   * float model. All others read scales from the graph's own QuantizeLinear and DequantizeLinear.
   */
  quantized: { float: Model; plan: QuantPlan } | null
  /** What the target's own compiler calibrates on, where it has one; `real`: samples of the user's, not made up. */
  calibration?: Calibration | null
  /** Where a target's file can hide its weights: the key that they are scrambled by, 16 hexadecimal digits. */
  scramble?: string | null
  /** Of the source model, for names in files. */
  name: string
}

/** `model` is inferred, legal for the target, and static where the target wants it so. */
export interface Exporter {
  id: string
  label: string
  /** All that `write` would refuse, from the graph alone. */
  check?(model: Model, target: Target, form: string): Problem[]
  write(model: Model, target: Target, options: WriteOptions): Promise<Written>
}
