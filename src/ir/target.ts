// A chip or runtime as data: what it runs, in which formats, with a source for every claim.
import type { FormatName } from './format-names.ts'

/** How a target runs one operator in low bits. */
export interface OpRule {
  /** Operator of the standard domain. */
  op: string
  /** 'compute': has integer kernels of its own; 'pass': moves integers, input and output share one scale. */
  kind: 'compute' | 'pass'
  /** Inputs (by position) that may be quantised; others stay float. Default: all data inputs. */
  inputs?: readonly number[]
  /** Needs constant weights at input 1. */
  constantWeight?: boolean
  /** Needs a constant of one number at input 1, which makes it a function of one number. */
  constantNumber?: boolean
  /** Integer inputs with a float output is a kernel of its own: at the end of a network no output range is needed. */
  floatOutput?: boolean
  /**
   * Worth it only beside other integer operators: at least one input must come from one, and at least one output go to one, as with
   * everything that only moves integers; or, with 'inputs', an input alone: what a network ends with is then in integers too; or, with
   * 'either', one of the two: a product between floats has but its weights in few bits, for its kernel rounds nothing there.
   */
  needsInteger?: boolean | 'inputs' | 'either'
  since?: number
  /** Moves values only where its mode is 'nearest'. */
  nearestOnly?: boolean
  source: string
}

/** Scale and zero point that an operator's output has whatever was seen, because the target's kernel knows no other. */
export interface FixedOutput {
  op: string
  bits: number
  scale: number
  zeroPoint: number // in the target's own activation format
  source: string
}

/** A way in which a target's format can hold a model. */
export interface Form {
  id: string
  holds: 'quantised' | 'float16' | 'float'
  /** Formats that it has whatever the recipe says in general; a layer's own stay. */
  activations?: FormatName
  weights?: FormatName
  /** What it makes of eight bits that a recipe names for weights in general, where it has activations of eight bits too. */
  narrowed?: FormatName
}

/**
 * Whose arithmetic gives the preview. 'runtime': the QDQ graph in our own runtime, for targets that compute the same up to the order of
 * their sums; 'ncnn': its steps written out as a graph of floats; the others are those of the integer executor.
 */
export type Preview = 'runtime' | 'ncnn' | 'tflite' | 'tflm'

export interface Target {
  id: string
  vendor: string
  label: string
  exporter: string
  /** Offered in this order; where a recipe names none, the first that holds what it asks for. */
  forms: readonly Form[]
  version: string // of the runtime that the files are written for
  preview: Preview
  /** Layout of images in its files. */
  layout: 'NCHW' | 'NHWC'
  /** Passes that run on request, which replace what it has no operator for. */
  lower?: readonly string[]
  /** Widths that its kernels are made for: channels in multiples of it; absent where nothing is known. */
  channels?: { multiple: number; source: string }
  /** Its own compiler quantises: bundles hold samples for it. */
  calibrates?: true
  /** It has no kernels of floats: what stays in floats cannot be written. */
  integersOnly?: true
  /** Whether bundles may take and give integers where a float model would floats. */
  integerEdges?: true
  quant: {
    /** Formats that a model may be given for it; those in `integer` run in integer kernels, the others in float behind Q/DQ. */
    activations: {
      formats: readonly FormatName[]
      integer: readonly FormatName[]
      signed: boolean
      symmetric: boolean
      /** Formats of so many bits and more are symmetric in any case. */
      symmetricFrom?: number
      /** Without the most negative code. */
      restricted?: true
    }
    weights: { formats: readonly FormatName[]; integer: readonly FormatName[]; signed: boolean; perChannel: boolean }
    /** Biases of integer layers: integers of the accumulator's scale, or floats that are added to what it is scaled to. */
    bias: 'int32' | 'float32'
    ops: readonly OpRule[]
    /** Operators with integer kernels that are left in float all the same, and why. */
    declined?: readonly { op: string; why: string; source: string }[]
    /** What integer layers make is float, and is rounded only for those that read it in integers. */
    outputs?: 'float32'
    /** A model that comes in quantised keeps the roundings that nothing reads in integers, as operators of their own. */
    keepsRoundings?: true
    /** Depthwise kernels scale by reciprocals from the processor's table, of which there are several. */
    tabledReciprocals?: { source: string }
    /**
     * Operators that the runtime rounds by itself where they were left in float behind a pair, unless a node that changes nothing stands
     * between.
     */
    roundsUnasked?: { ops: readonly string[]; source: string }
    /** Activation functions that fuse into the operator before: no Q/DQ between the two. */
    fused: readonly {
      after: readonly string[]
      op: string
      /** Bounds that its kernels know by themselves; others are fused only where codes can be made to end there. Default: all. */
      native?: readonly { min: number; max: number }[]
      source: string
    }[]
    /** The target's own tool finds entropy's thresholds in this form; our own where it is left out. */
    klForm?: 'tensorrt' | 'ncnn' | 'onnxruntime'
    fixed?: readonly FixedOutput[]
  }
  limits: {
    opset: { min: number; max: number }
    irVersion?: { max: number; source: string }
    /** Every dimension is known when the file is written; an open batch becomes 1. */
    staticShapes?: true
  }
  ranOnItsRuntime: boolean
  /** What who runs few bits there must know, lest they give other answers than were previewed. */
  caution?: string
  sources: readonly string[]
}
