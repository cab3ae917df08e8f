// Which channels of which values can be scaled together without changing what a model computes. An operator f commutes with positive
// scales where f(x / t) = f(x) / t; through it, and through sums of values, channels are tied to one scale t. A layer unties them: its
// weights take up the scale of its input and give its output another (Nagel et al. 2019, "Data-Free Quantization Through Weight
// Equalization and Bias Correction", section 4.1, there for one layer after another; here along residual streams too).
import { viewAs } from '../../base/dtype.ts'
import {
  attrFloat,
  attrInt,
  attrInts,
  attrString,
  type Dim,
  type Graph,
  type Model,
  type Node,
  reads,
  subgraphs,
  type ValueName,
} from '../../ir/model.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'

/** Channels of a value along one axis: the set that each belongs to. Set 0 cannot be scaled. */
export interface Lane {
  axis: number
  sets: Int32Array
}

/** A node whose weight takes up scales: those of its input channels and, inversely, of its output channels. */
export interface Scalable {
  node: Node
  weight: { name: ValueName; tensor: Tensor }
  bias: ValueName | null
  input: Int32Array // per channel of the input
  output: Int32Array
}

/** A constant that is added to a value, and so must be scaled as it is. */
export interface Addend {
  node: Node
  input: number
  tensor: Tensor
  lane: Lane
  rank: number
}

export interface Ties {
  /** How many sets there are; set 0 is the fixed one. */
  count: number
  lanes: ReadonlyMap<ValueName, Lane>
  layers: readonly Scalable[]
  addends: readonly Addend[]
  /** Clips whose bounds are of one scale, at which channels stop. */
  clips: readonly Node[]
}

// Operators of one operand with f(x / t) = f(x) / t for every t > 0.
const homogeneous = new Set(['Relu', 'LeakyRelu', 'PRelu', 'Identity', 'Abs', 'Neg'])
const pools = new Set(['MaxPool', 'AveragePool', 'LpPool', 'GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'])
const sums = new Set(['Add', 'Sub', 'Sum', 'Max', 'Min', 'Mean'])
const reductions = new Set(['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2'])

/** Shapes and types must have been inferred, opset 13 or newer. */
export function tiesOf(model: Model): Ties {
  return new Tying(model.graph).result()
}

class Tying {
  private readonly parent: number[] = [0]
  private readonly lanes = new Map<ValueName, Lane>()
  private readonly readers = new Map<ValueName, number>()
  private readonly layers: Scalable[] = []
  private readonly addends: Addend[] = []
  private readonly clips: Node[] = []

  constructor(private readonly graph: Graph) {
    for (const node of graph.nodes)
      for (const name of reads(node)) this.readers.set(name, (this.readers.get(name) ?? 0) + 1)
    for (const node of graph.nodes) if (!this.pass(node)) this.stop(node)
    for (const name of graph.outputs) this.fix(name)
  }

  result(): Ties {
    const numbers = new Map<number, number>([[0, 0]])
    const number = (set: number): number => {
      const root = this.root(set)
      if (!numbers.has(root)) numbers.set(root, numbers.size)
      return numbers.get(root)!
    }
    const sets = (of: Int32Array): Int32Array => of.map(number)
    const lane = ({ axis, sets: of }: Lane): Lane => ({ axis, sets: sets(of) })
    const layers = this.layers.map(l => ({ ...l, input: sets(l.input), output: sets(l.output) }))
    const addends = this.addends.map(a => ({ ...a, lane: lane(a.lane) }))
    const lanes = new Map([...this.lanes].map(([name, l]) => [name, lane(l)]))
    return { count: numbers.size, lanes, layers, addends, clips: this.clips }
  }

  private root(set: number): number {
    let root = set
    while (this.parent[root] !== root) root = this.parent[root]
    for (let at = set; at !== root; ) [at, this.parent[at]] = [this.parent[at], root]
    return root
  }

  // The smaller number stays, so that what is tied to set 0 is fixed.
  private tie(a: number, b: number): void {
    const [from, to] = [this.root(a), this.root(b)]
    this.parent[Math.max(from, to)] = Math.min(from, to)
  }

  private fresh(count: number): Int32Array {
    return Int32Array.from({ length: count }, () => this.parent.push(this.parent.length) - 1)
  }

  private shape(name: ValueName | null | undefined): readonly Dim[] | null {
    const value = name == null ? undefined : this.graph.values.get(name)
    return value?.data?.shape ?? value?.shape ?? null
  }

  private constant(name: ValueName | null | undefined): Tensor | null {
    return name == null || this.graph.inputs.includes(name) ? null : (this.graph.values.get(name)?.data ?? null)
  }

  /** A constant of float32 that nothing else reads. */
  private ownConstant(name: ValueName | null | undefined): Tensor | null {
    const tensor = this.constant(name)
    const alone = this.readers.get(name!) === 1 && !this.graph.outputs.includes(name!)
    return tensor?.dtype === 'float32' && alone ? tensor : null
  }

  private fix(name: ValueName | null): void {
    for (const set of (name !== null && this.lanes.get(name)?.sets) || []) this.tie(set, 0)
  }

  /** A node that scales do not go through: what it reads is fixed, and what it makes has no lane, which is as good. */
  private stop(node: Node): void {
    for (const name of reads(node)) this.fix(name)
  }

  /** Lanes of the outputs; false where scales end at the node. */
  private pass(node: Node): boolean {
    if (node.domain !== '' || subgraphs(node).length > 0) return false
    const [x, y] = [node.inputs[0], node.outputs[0]]
    if (x == null || y == null || node.outputs.slice(1).some(o => o !== null && (this.readers.get(o) ?? 0) > 0))
      return false
    if (node.op === 'Conv' || node.op === 'ConvTranspose' || node.op === 'Gemm' || node.op === 'MatMul')
      return this.layer(node, y)
    if (sums.has(node.op)) return this.sum(node, y)
    if (node.op === 'Mul' || node.op === 'Div') return this.product(node, y)
    if (node.op === 'Concat') return this.concat(node, y)
    const lane = this.lanes.get(x)
    if (!lane) return true
    const rank = this.shape(x)?.length
    if (rank === undefined) return false
    const put = (moved: Lane | null): boolean => {
      if (!moved) return false
      this.lanes.set(y, moved)
      return true
    }
    for (const name of node.inputs.slice(1)) this.fix(name)
    if (homogeneous.has(node.op)) return put(lane)
    if (node.op === 'Clip') return this.open(node) && put(lane)
    if (pools.has(node.op)) return put(lane.axis === 1 ? lane : null)
    if (reductions.has(node.op)) return put(this.reduced(node, lane, rank))
    if (node.op === 'Transpose') {
      const perm = attrInts(node, 'perm') ?? [...Array(rank).keys()].reverse()
      return put({ ...lane, axis: perm.indexOf(lane.axis) })
    }
    if (node.op === 'Flatten' || node.op === 'Reshape' || node.op === 'Squeeze' || node.op === 'Unsqueeze')
      return put(reshaped(lane, this.shape(x), this.shape(y)))
    if (node.op === 'Pad') return put(this.padded(node, lane, rank))
    if (node.op === 'Slice') return put(this.sliced(node, lane, rank))
    if (node.op === 'Resize') return put(this.resized(node, lane, x, y))
    return false
  }

  private layer(node: Node, y: ValueName): boolean {
    const [x, w, b] = node.inputs
    const weight = this.ownConstant(w)
    const bias = b == null ? null : this.ownConstant(b)
    const rank = this.shape(x)?.length
    if (!weight || (b != null && !bias) || rank === undefined) return false
    if (node.op === 'Gemm' && attrInt(node, 'transA', 0) !== 0) return false
    if (node.op === 'MatMul' && weight.shape.length !== 2) return false
    const axis = node.op === 'MatMul' ? rank - 1 : 1
    const lane = this.lanes.get(x!)
    if (lane && lane.axis !== axis) return false
    const { from, to } = widthsOf(node, weight)
    if (lane && lane.sets.length !== from) return false
    if (bias && !(elements(bias) === 1 || (elements(bias) === to && bias.shape.at(-1) === to))) return false
    const output = this.fresh(to)
    this.layers.push({
      node,
      weight: { name: w!, tensor: weight },
      bias: b ?? null,
      input: lane?.sets ?? new Int32Array(from),
      output,
    })
    this.lanes.set(y, { axis, sets: output })
    return true
  }

  /** All operands of a sum have one scale; a constant among them is scaled with the others. */
  private sum(node: Node, y: ValueName): boolean {
    const shape = this.shape(y)
    const operands = node.inputs.map((name, input) => ({ name, input, tensor: this.constant(name) }))
    const lane = operands.map(o => this.lanes.get(o.name ?? '')).find(l => l !== undefined)
    if (!lane) return true
    if (!shape || operands.some(o => o.name === null)) return false
    const first = operands.find(o => this.lanes.get(o.name!) === lane)!
    const fromEnd = this.shape(first.name)!.length - lane.axis
    const width = lane.sets.length
    if (shape[shape.length - fromEnd] !== width) return false
    const whole: Lane = { axis: shape.length - fromEnd, sets: lane.sets }
    for (const { name, tensor } of operands) {
      if (tensor) {
        if (!this.ownConstant(name)) return false
        continue
      }
      const other = this.lanes.get(name!)
      const rank = this.shape(name)?.length
      if (!other) {
        this.fix(first.name)
        continue
      }
      if (rank === undefined || rank - other.axis !== fromEnd) return false
      if (other.sets.length !== width && other.sets.length !== 1) return false
      for (const [i, set] of lane.sets.entries()) this.tie(set, other.sets[other.sets.length === 1 ? 0 : i])
    }
    for (const { input, tensor } of operands)
      if (tensor) this.addends.push({ node, input, tensor, lane: whole, rank: shape.length })
    this.lanes.set(y, whole)
    return true
  }

  /** One factor keeps its scale, the others have none. */
  private product(node: Node, y: ValueName): boolean {
    const [x, by] = node.inputs
    const lane = this.lanes.get(x!)
    const other = this.lanes.get(by!)
    if (!lane && !other) return true
    const carries = lane ? x! : by!
    if (node.op === 'Div' && carries === by) return false
    if (lane && other) this.fix(by!)
    const own = (lane ?? other)!
    const shape = this.shape(y)
    const rank = this.shape(carries)?.length
    if (!shape || rank === undefined || x === by) return false
    const axis = shape.length - rank + own.axis
    if (shape[axis] !== own.sets.length) return false
    this.lanes.set(y, { axis, sets: own.sets })
    return true
  }

  private concat(node: Node, y: ValueName): boolean {
    const rank = this.shape(y)?.length
    const lanes = node.inputs.map(name => this.lanes.get(name!))
    const axis = lanes.find(l => l !== undefined)?.axis
    if (axis === undefined) return true
    if (rank === undefined || lanes.some(l => l && l.axis !== axis)) return false
    const along = attrInt(node, 'axis', 1)
    if ((along < 0 ? along + rank : along) === axis) {
      const parts = node.inputs.map((name, i) => {
        const width = this.shape(name)?.[axis]
        return lanes[i]?.sets ?? (typeof width === 'number' ? new Int32Array(width) : null)
      })
      if (parts.some(part => part === null)) return false
      this.lanes.set(y, { axis, sets: Int32Array.from(parts.flatMap(part => [...part!])) })
      return true
    }
    const width = lanes.find(l => l)!.sets.length
    if (lanes.some(l => !l || l.sets.length !== width)) return false
    for (const other of lanes.slice(1)) for (const [i, set] of other!.sets.entries()) this.tie(set, lanes[0]!.sets[i])
    this.lanes.set(y, lanes[0]!)
    return true
  }

  /** A Clip that cuts off at zero alone, or not at all. */
  private open(node: Node): boolean {
    const unbounded = (name: ValueName | null | undefined): boolean => {
      if (name == null) return true
      const tensor = this.constant(name)
      if (tensor?.dtype !== 'float32' || !(tensor.data instanceof Uint8Array)) return false
      const [bound] = viewAs('float32', tensor.data) as Float32Array
      return bound === 0 || !Number.isFinite(bound)
    }
    if (node.inputs.slice(1).every(unbounded)) return true
    this.clips.push(node)
    return false
  }

  private reduced(node: Node, lane: Lane, rank: number): Lane | null {
    const axes = attrInts(node, 'axes') ?? ints(this.constant(node.inputs[1]))
    const at = axes?.map(a => (a < 0 ? a + rank : a))
    if (!at || at.includes(lane.axis)) return null
    const before = attrInt(node, 'keepdims', 1) ? 0 : at.filter(a => a < lane.axis).length
    return { ...lane, axis: lane.axis - before }
  }

  /** Zeros have every scale. */
  private padded(node: Node, lane: Lane, rank: number): Lane | null {
    const pads = ints(this.constant(node.inputs[1]))
    const axesName = node.inputs[3]
    if (!pads || axesName != null || pads.length !== 2 * rank) return null
    const fill = node.inputs[2] == null ? null : this.constant(node.inputs[2])
    const isZero = node.inputs[2] == null || (fill?.data instanceof Uint8Array && fill.data.every(byte => byte === 0))
    const constant = attrString(node, 'mode', 'constant') === 'constant'
    if (constant && !isZero) return null
    const [before, after] = [pads[lane.axis], pads[lane.axis + rank]]
    if (before < 0 || after < 0 || ((before > 0 || after > 0) && !constant)) return null
    return { ...lane, sets: Int32Array.from([...this.fresh(before), ...lane.sets, ...this.fresh(after)]) }
  }

  private sliced(node: Node, lane: Lane, rank: number): Lane | null {
    const [starts, ends] = [1, 2].map(i => ints(this.constant(node.inputs[i])))
    if (!starts || !ends) return null
    const axes = node.inputs[3] == null ? [...starts.keys()] : ints(this.constant(node.inputs[3]))
    const steps = node.inputs[4] == null ? starts.map(() => 1) : ints(this.constant(node.inputs[4]))
    if (!axes || !steps) return null
    const at = axes.findIndex(a => (a < 0 ? a + rank : a) === lane.axis)
    if (at < 0) return lane
    if (steps[at] < 1) return null
    const size = lane.sets.length
    const within = (i: number): number => Math.max(0, Math.min(size, i < 0 ? i + size : i))
    const [from, to] = [within(starts[at]), within(ends[at])]
    return { ...lane, sets: lane.sets.slice(from, Math.max(from, to)).filter((_, i) => i % steps[at] === 0) }
  }

  private resized(node: Node, lane: Lane, x: ValueName, y: ValueName): Lane | null {
    if (attrString(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize') return null
    if (attrFloat(node, 'extrapolation_value', 0) !== 0) return null
    return this.shape(x)?.[lane.axis] === this.shape(y)?.[lane.axis] ? lane : null
  }
}

/** Channels that a layer reads and makes. */
export function widthsOf(node: Node, { shape }: Tensor): { from: number; to: number } {
  const groups = attrInt(node, 'group', 1)
  if (node.op === 'Conv') return { from: shape[1] * groups, to: shape[0] }
  if (node.op === 'ConvTranspose') return { from: shape[0], to: shape[1] * groups }
  const outFirst = node.op === 'Gemm' && attrInt(node, 'transB', 0) !== 0
  return outFirst ? { from: shape[1], to: shape[0] } : { from: shape[0], to: shape[1] }
}

/** Calls `visit` with the place of each element of a layer's weight and the channels that it leads from and to. */
export function eachWeight(
  node: Node,
  { shape }: Tensor,
  visit: (index: number, from: number, to: number) => void,
): void {
  const area = shape.slice(2).reduce((n, d) => n * d, 1)
  const [rows, columns] = shape
  const groups = attrInt(node, 'group', 1)
  const outFirst = node.op === 'Conv' || (node.op === 'Gemm' && attrInt(node, 'transB', 0) !== 0)
  const rowsPerGroup = rows / groups
  for (let row = 0, i = 0; row < rows; row++) {
    const offset = Math.floor(row / rowsPerGroup) * columns
    for (let column = 0; column < columns; column++)
      for (let k = 0; k < area; k++, i++)
        if (outFirst) visit(i, offset + column, row)
        else visit(i, row, offset + column)
  }
}

/** Where the channels of a lane lie once the same elements have another shape; null where they no longer lie along one axis. */
export function reshaped(lane: Lane, from: readonly Dim[] | null, to: readonly Dim[] | null): Lane | null {
  if (!from || !to) return null
  const tail = (shape: readonly Dim[], axis: number): number | null =>
    shape.slice(axis).reduce<number | null>((n, d) => (n === null || typeof d !== 'number' ? null : n * d), 1)
  const [whole, inner] = [tail(from, lane.axis), tail(from, lane.axis + 1)]
  if (whole === null || inner === null) return null
  for (const [axis, size] of to.entries()) {
    const step = tail(to, axis + 1)
    if (tail(to, axis) !== whole || step === null || typeof size !== 'number') continue
    const first = (i: number): number => Math.floor((i * step) / inner)
    const last = (i: number): number => Math.floor(((i + 1) * step - 1) / inner)
    const sets = Int32Array.from({ length: size }, (_, i) => (first(i) === last(i) ? lane.sets[first(i)] : -1))
    if (!sets.includes(-1)) return { axis, sets }
  }
  return null
}

function ints(tensor: Tensor | null): number[] | null {
  if (tensor?.dtype !== 'int64' || !(tensor.data instanceof Uint8Array)) return null
  return Array.from(viewAs('int64', tensor.data) as BigInt64Array, Number)
}
