// One operator of the model on its way to one kernel: with codes on all sides, or in floats; and how a family of operators says what
// it becomes.
import { attrInts, type Node, type ValueName } from '../../ir/model.ts'
import { type Form, type Lowering, Refusal } from './lowering.ts'
import type { Operand, Params, Unit } from './pairs.ts'
import type { Fused, Kind, Options } from './types.ts'

/** What is known of an operator type. */
export interface Rule {
  /** Positions of data inputs, which codes must stand on for a kernel of integers. null: all. Left out: computes in float alone. */
  data?: readonly number[] | null
  /** All inputs are alike, so that a constant may come first. */
  alike?: true
  /** Output codes are input codes. */
  moves?: true
  /** The kernel takes an activation function along. */
  fuses?: true
  /** Why there is no kernel of integers for it as it stands. */
  refuses?(k: Kernel, unit: Unit): string | null
  lower(k: Kernel): void
}

export class Kernel {
  constructor(
    readonly g: Lowering,
    readonly node: Node,
    readonly unit: Unit | null,
    readonly fused: Fused,
    /** What leaves the kernel. */
    readonly output: ValueName,
    private readonly fuses: boolean,
  ) {}

  get params(): Params | null {
    return this.unit?.params ?? null
  }

  name(i: number): ValueName {
    const name = this.node.inputs[i]
    if (name == null) throw new Refusal(`its input ${i} is missing`)
    return name
  }

  has = (i: number): boolean => this.node.inputs[i] != null

  /** A data input in a form, as codes or as floats. */
  input(i: number, form: Form): number {
    const rank = this.g.rank(this.output)
    const operand = this.operand(i)
    return operand ? this.g.codes(operand, form, rank) : this.g.input(this.name(i), form, rank)
  }

  operand = (i: number): Operand | null => this.unit?.inputs[i] ?? null

  /** All data inputs in one form. */
  inputs(form: Form): number[] {
    return this.node.inputs.map((_, i) => this.input(i, form))
  }

  /** The form that its activations, one or several, are in. */
  form(positions: readonly number[] = this.node.inputs.map((_, i) => i)): Form {
    const names = positions.map(i => this.operand(i)?.codes ?? this.node.inputs[i])
    return this.g.commonForm(names, this.output)
  }

  /** Whole numbers of a constant input, or of the attribute that held them in older opsets; null where it is absent. */
  numbers(i: number, attribute?: string): number[] | null {
    const given = attribute === undefined ? null : attrInts(this.node, attribute)
    if (given) return given
    const name = this.node.inputs[i]
    if (name == null) return null
    const tensor = this.g.pairs.constant(name)
    if (!tensor)
      throw new Refusal(
        `it computes ${name} at run time`,
        'Fix the shapes of the inputs, so that it can be computed before.',
      )
    return this.g.pairs.numbersOf(tensor)
  }

  /** The kernel that gives the output. */
  give<K extends Kind>(kind: K, form: Form, inputs: readonly number[], options: Options[K]): void {
    const { g, params } = this
    const dtype = g.dtype(this.node.outputs[0]!)
    const after = this.fuses ? null : this.activationAfter()
    const output = g.tensorOf(this.output, form, params, dtype)
    if (!after) {
      g.emit(kind, inputs, [output], options)
      return
    }
    const before = g.add({ ...g.tensors[output], name: g.fresh(`${this.output}_linear`), value: null })
    g.emit(kind, inputs, [before], options)
    g.emit(after, [before], [output], {})
  }

  /** What bounds the codes of a kernel that fuses nothing; null where they reach no further in any case. */
  private activationAfter(): 'RELU' | 'RELU6' | 'RELU_N1_TO_1' | null {
    if (this.fused === 'none' || !this.params) return null
    const { dtype, scale, zeroPoint } = this.params
    const [low, high] = dtype === 'int16' ? [-32768, 32767] : [-128, 127]
    const reaches = (bound: number): number => zeroPoint[0] + Math.round(bound / scale[0])
    if (this.fused === 'relu') return zeroPoint[0] <= low ? null : 'RELU'
    if (this.fused === 'relu6') return zeroPoint[0] <= low && reaches(6) >= high ? null : 'RELU6'
    return reaches(-1) <= low && reaches(1) >= high ? null : 'RELU_N1_TO_1'
  }
}
