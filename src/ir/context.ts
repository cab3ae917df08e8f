// The capabilities that a stage is lent. Hosts (browser, Node, tests) make them; stages touch nothing else besides their arguments.
import type { Rng } from '../base/rng.ts'
import type { Label, LabelKind } from './labels.ts'
import type { Model, ValueName } from './model.ts'
import type { Histogram, Observation } from './quant.ts'
import type { NdArray, Slice, Tensor } from './tensor.ts'

export interface Progress {
  stage: string // id of the step or pass
  done: number
  total: number | null
  /** How much of the work is done, 0 to 1, where what is counted differs in cost. */
  share?: number
  note?: string
  /** Of a stage that learns, when it has been judged anew. */
  learning?: Learning
}

/** Losses of training so far: means of neighbouring steps, as many as a chart can show, and those on what is held out. */
export interface Learning {
  steps: readonly { step: number; loss: number }[]
  held: readonly { step: number; loss: number }[]
}

/** Reads tensors, wherever their bytes are. */
export interface Bytes {
  read(tensor: Tensor): Promise<Uint8Array>
  slice(slice: Slice): Promise<Uint8Array>
}

export type Feeds = Record<ValueName, NdArray>

/** An output that stayed on the GPU; the buffer belongs to the runtime until `release`. */
export interface DeviceArray {
  dtype: 'float32'
  shape: readonly number[]
  buffer: unknown // a GPUBuffer
  release(): void
}

export interface SessionOptions {
  /** Values to give, graph outputs or inner ones; default: the graph outputs. */
  outputs?: readonly ValueName[]
  /** The runtime's own graph optimisation; default 'all'. 'pairs': all but what it makes of pairs of QuantizeLinear and DequantizeLinear. */
  optimize?: 'all' | 'pairs' | 'none'
  /** 'device' keeps outputs on the GPU where the runner has one; see `Session.onDevice`. */
  location?: 'host' | 'device'
  /** What `Session.counting` counts: outputs, and graph inputs as they are fed. */
  count?: ObserveOptions & { values: readonly ValueName[] }
}

/** What one batch of one value came to; bounds are of the finite elements, in reverse where there is none. */
export interface Counted {
  elements: number
  nan: number
  infinite: number
  zeros: number
  min: number
  max: number
}

/** Runs that are observed in the thread that computes them, so that no activation leaves it. */
export interface Counting {
  run(feeds: Feeds): Promise<Record<ValueName, Counted>>
  /** Counts of all runs so far, one record for each thread that had some; they add up in any order. */
  histograms(): Promise<Record<ValueName, Histogram>[]>
}

export interface Session {
  readonly onDevice: boolean
  run(feeds: Feeds): Promise<Record<ValueName, NdArray>>
  /** Milliseconds of one run, measured beside the engine: what it takes to reach it is left out. */
  time(feeds: Feeds): Promise<number>
  /** As `run`, outputs staying on the GPU; only where `onDevice`. */
  runOnDevice?(feeds: Feeds): Promise<Record<ValueName, DeviceArray>>
  /** Where `count` was asked for and the runner can. */
  counting?: Counting
  close(): Promise<void>
}

/** Runs models. Errors name the node that the runtime refused. */
export interface Runner {
  readonly engine: 'wasm' | 'webgpu'
  /** Runs that may be under way at once; each is computed by one thread alone, so that results do not depend on their number. */
  readonly threads: number
  open(model: Model, options?: SessionOptions): Promise<Session>
  /** Frees all arrays in plain data at once, where waiting for the collector would let them pile up; nobody may look at them afterwards. */
  discard(data: unknown): void
  /** High-water mark of the engine's memory in bytes. */
  peakBytes(): number
}

/** Gathers observations of many values over many batches, in memory that does not grow with the samples. */
export interface ActivationObserver {
  add(outputs: Record<ValueName, NdArray | DeviceArray | Counted>): Promise<void> | void
  /** `histograms` are of what was added as counted. */
  finish(histograms?: readonly Record<ValueName, Histogram>[]): Promise<Map<ValueName, Observation>>
}

export interface ObserveOptions {
  /** false: only ranges, no histogram. */
  histogram: boolean
}

/** A convolution over two axes; each pair is vertical, horizontal. */
export interface ConvShape {
  samples: number
  groups: number
  channels: number // of one group, as `outputs`
  outputs: number
  size: readonly [number, number]
  out: readonly [number, number]
  kernel: readonly [number, number]
  strides: readonly [number, number]
  dilations: readonly [number, number]
  pads: readonly [number, number] // before the first row and column
}

/** The number-crunching that a stage is lent; `backend` says which twin runs. */
export interface KernelSet {
  readonly backend: 'reference' | 'wasm' | 'webgpu'
  observer(values: readonly ValueName[], options: ObserveOptions): ActivationObserver
  /** Error sums in float64: squares of the reference, of the difference, dot product, squares of the other, largest |difference|. */
  compare(
    reference: Float32Array,
    other: Float32Array,
  ): { signal: number; noise: number; dot: number; energy: number; maxAbs: number }
  /** Sum of squared quantisation errors of `x` for each candidate scale (symmetric, restricted to +-qmax). */
  scaleErrors(x: Float32Array, scales: Float32Array, qmax: number): Float64Array
  /** Adds to `into` ([p, q], row-major) the products of the columns of `a` ([n, p]) and `b` ([n, q]); `upper`: see kernels/gram. */
  gram(a: Float32Array, b: Float32Array, shape: { p: number; q: number; upper: boolean }, into: Float64Array): void
  /** Adds to `into` ([p, q]) the products of the columns of `a` ([n, p]) and `b` ([n, q]) in float64, one row after the other. */
  addProducts(a: Float64Array, b: Float64Array, shape: { p: number; q: number }, into: Float64Array): void
  /** Adds to `c` ([m, n]) the product of `a` and `b`, see kernels/gemm. */
  gemm(
    a: Float32Array,
    b: Float32Array,
    shape: { m: number; n: number; k: number; transA: boolean; transB: boolean },
    c: Float32Array,
  ): void
  /** Convolution of x [samples, groups x channels, ...size] with w [groups x outputs, channels, ...kernel], without bias. */
  conv(x: Float32Array, w: Float32Array, shape: ConvShape): Float32Array
  /** Gradients of what `conv` was given, by that of what it gave; null for those that are not wanted. */
  convGradient(
    x: Float32Array,
    w: Float32Array,
    dy: Float32Array,
    shape: ConvShape,
    wanted: { x: boolean; w: boolean },
  ): { x: Float32Array | null; w: Float32Array | null }
  /** float32 to int8 or uint8 codes, half to even. */
  quantize(
    x: Float32Array,
    scale: number,
    zeroPoint: number,
    signed: boolean,
    qmin: number,
    qmax: number,
  ): Int8Array | Uint8Array
  /** float32 to the reals that the codes stand for; NaN becomes 0. */
  fakeQuantize(x: Float32Array, scale: number, zeroPoint: number, qmin: number, qmax: number): Float32Array
  /** x within [low, high]; NaN becomes `low`. */
  clip(x: Float32Array, low: number, high: number): Float32Array
  /** dy where x lay strictly within [low, high], else 0. */
  clipGradient(x: Float32Array, dy: Float32Array, low: number, high: number): Float32Array
  /** Back through rounding: dy where x lay within [low, high], else 0; and the sum of dy (rounded - x), without x where it lay outside. */
  roundingGradient(
    x: Float32Array,
    rounded: Float32Array,
    dy: Float32Array,
    low: number,
    high: number,
  ): { dx: Float32Array; moved: number }
  /** y[r, c] = sum of a[r, k] b[c, k] over the `depth` elements of each row, in accumulators that wrap at 32 bits. */
  dotInt16(a: Int16Array, b: Int16Array, depth: number): Int32Array
}

/** A computation of plain data that any thread may do: what it gives depends on its input alone. */
export interface Task<I, O> {
  readonly id: string
  /** `spare` takes what was made on the way and nobody looks at any more, whose memory is freed at once. */
  run(input: I, kernels: KernelSet, spare: (data: unknown) => void): O
}

/** Has a thread that is idle do a task. Buffers in `given` go with the input: nobody may look at them afterwards. */
export type Perform = <I extends object, O>(
  task: Task<I, O>,
  input: I,
  given?: readonly ArrayBufferLike[],
) => Promise<O>

/** Keeps a result under a key of all that it depends on besides what its lender knows, where the host has a store. */
export type Memo = <T>(key: unknown, compute: () => Promise<T>) => Promise<T>

export interface Sample {
  index: number
  name: string
  feeds: Feeds // batch axis of 1 where the model has one
  label: Label | null
}

export interface Skip {
  sample: string
  why: string
}
export interface Suspicion {
  sample: string // or 'all samples'
  what: string
}

/** Samples as a stream, pre-processed for the model; each opening starts again at the first. */
export interface Dataset {
  readonly name: string
  readonly size: number // as counted before decoding
  readonly labels: LabelKind | null
  readonly hash: string // of files and input spec, for resuming
  samples(options?: { count?: number; signal?: AbortSignal }): AsyncIterable<Sample>
  /** What has been found so far; complete after a sweep. */
  readonly skipped: readonly Skip[]
  readonly suspicious: readonly Suspicion[]
}

/** Milliseconds from an arbitrary start. A capability, since the core has no clock; figures from it never enter a bundle. */
export type Clock = () => number

export interface Context {
  bytes: Bytes
  runner: Runner
  kernels: KernelSet
  perform: Perform
  clock: Clock
  rng: Rng
  signal: AbortSignal
  progress(p: Progress): void
}
