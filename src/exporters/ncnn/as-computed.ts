// A quantised model as ncnn's int8 kernels compute it on x86, step by step, as a graph of floats: sums of products of codes are whole numbers,
// which float32 holds exactly up to 2^24; one fused multiply-add (here in float64) makes reals of them, an activation follows, and who reads
// them in codes rounds half away from zero. Read from src/layer/x86/requantize_x86.cpp, dequantize_x86.cpp, quantize_x86.cpp,
// innerproduct_x86.cpp and float2int8_sse of x86_usability.h, and held against version 1.0.20261020.
import { onnxCode, viewAs } from '../../base/dtype.ts'
import type { Bytes } from '../../ir/context.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import { type Attr, attrInt, attrInts, attrString, int, type Model, type Node, type ValueName } from '../../ir/model.ts'
import { elements, floats, int64s, tensorOf, transposed } from '../../ir/tensor.ts'
import { floatsOf } from '../floats.ts'
import { type Codes, GraphView, type Rounded } from '../graph-view.ts'
import { endOf } from './products.ts'
import { type HandedOn, handedOn, keyOf, mirrored, shiftedBias, shiftOf, unshifted } from './zero-point.ts'

const f32 = Math.fround

/** The values of operators and pairs keep their names. */
export async function asComputed(model: Model, bytes: Bytes): Promise<Model> {
  const view = new GraphView(model)
  const products: Product[] = []
  for (const node of model.graph.nodes) {
    const product = await productAt(node, view, bytes)
    if (product) products.push(product)
  }
  const graph = edit(model.graph, editor => {
    const writer = new Writer(editor)
    for (const { handed, output } of products)
      if (handed?.bounds) writer.shifted.set(keyOf(handed.rounded), editor.freshName(`${output}_shifted`))
    for (const product of products) writer.write(product)
  })
  return { ...model, graph }
}

/** A product of codes: what it multiplies and adds as the kernel has it, and how what it gives is handed on. */
interface Product {
  node: Node
  rounded: Rounded
  /** As the operator here takes them: [M, C / group, ...] of Conv, [inputs, outputs] of the others. */
  weights: { shape: readonly number[]; codes: Float32Array }
  /** Unit of the sums, one an output. */
  unit: Float32Array
  bias: Float32Array | null
  next: Node | null
  output: ValueName
  handed: HandedOn | null
}

async function productAt(node: Node, view: GraphView, bytes: Bytes): Promise<Product | null> {
  if (!['Conv', 'Gemm', 'MatMul'].includes(node.op)) return null
  const isConv = node.op === 'Conv'
  const byOutput = isConv || (node.op === 'Gemm' && attrInt(node, 'transB', 0) === 1)
  const rounded = view.rounded(node.inputs[0]!)
  const codes = view.codes(node.inputs[1]!, byOutput ? 0 : 1)
  if (!rounded || !codes || attrString(node, 'auto_pad', 'NOTSET').startsWith('SAME')) return null
  const { output, next } = endOf(node, view)
  const handed = handedOn(node, output, next, view)
  const [from, to] = [shiftOf(rounded), handed?.bounds ? shiftOf(handed.rounded) : unshifted]
  const { shape } = codes.codes
  const written = viewAs('int8', await bytes.read(codes.codes)) as Int8Array
  const own = from.sign === to.sign ? written : mirrored(written)
  const outputs = byOutput ? shape[0] : shape[1]
  const inputs = own.length / outputs
  const rows = byOutput ? own : turned(own, inputs, outputs)
  const bias = view.constant(node.inputs[2])
  const biased = bias !== null || from.offset !== 0 || to.offset !== 0
  return {
    node,
    rounded,
    weights: isConv
      ? { shape, codes: Float32Array.from(rows) }
      : { shape: [inputs, outputs], codes: Float32Array.from(byOutput ? turned(own, outputs, inputs) : own) },
    unit: await unitsOf(codes, rounded, outputs, bytes),
    bias: biased
      ? await shiftedBias({ kind: 'bias', bias, count: outputs, scale: codes.scale, from, to }, rows, bytes)
      : null,
    next,
    output,
    handed,
  }
}

/** A matrix of so many rows and columns, its columns as rows. */
const turned = (codes: Int8Array, rows: number, columns: number): Int8Array =>
  transposed({ dtype: 'int8', shape: [rows, columns], data: codes }, [1, 0]).data as Int8Array

/** Scales lie in the file as their reciprocals, and are multiplied as such. */
async function unitsOf({ scale }: Codes, rounded: Rounded, outputs: number, bytes: Bytes): Promise<Float32Array> {
  const scales = await floatsOf(scale, bytes)
  const input = f32(1 / rounded.scale)
  return Float32Array.from(
    { length: outputs },
    (_, o) => 1 / f32(input * f32(1 / scales[elements(scale) === 1 ? 0 : o])),
  )
}

class Writer {
  /** Values as a product gives them, shifted, by how they are rounded. */
  readonly shifted = new Map<string, ValueName>()
  readonly #codes = new Map<string, ValueName>()
  readonly #editor: Editor

  constructor(editor: Editor) {
    this.#editor = editor
  }

  write(product: Product): void {
    const { node, rounded, weights, next, output, handed } = product
    const first = node.outputs[0]!
    const codes = this.#codesOf(rounded)
    const weight = this.#numbers(`${first}_weights`, weights.codes, weights.shape)
    const sums =
      node.op === 'Conv'
        ? this.#convolved(node, codes, weight, Math.abs(rounded.zero))
        : this.#add('MatMul', [codes, weight], `${first}_sums`)
    this.#editor.removeNode(node.id)
    const reals = this.#reals(product, sums, handed?.bounds ? this.#editor.freshName(`${first}_reals`) : first)
    if (!handed?.bounds) return
    const shifted = this.shifted.get(keyOf(handed.rounded))!
    if (handed.bounds.length === 0) this.#put('Identity', [reals], shifted)
    else this.#put('Clip', [reals, ...handed.bounds.map((b, i) => this.#number(`${shifted}_${i}`, b))], shifted)
    this.#restore(reals, handed.rounded, first)
    if (!next) return
    this.#editor.removeNode(next.id)
    this.#restore(shifted, handed.rounded, output)
  }

  /** Whole numbers in float32. */
  #codesOf(rounded: Rounded): ValueName {
    const key = keyOf(rounded)
    const known = this.#codes.get(key)
    if (known) return known
    const { source, scale } = rounded
    const { sign, offset } = shiftOf(rounded)
    const shift = (): ValueName => {
      const by = this.#number(`${source}_offset`, offset)
      return this.#add(sign === 1 ? 'Add' : 'Sub', sign === 1 ? [source, by] : [by, source], `${source}_shifted`)
    }
    const value = this.shifted.get(key) ?? (rounded.zero === 0 ? source : shift())
    const units = this.#add('Mul', [value, this.#number(`${source}_per_unit`, 1 / scale)], `${source}_units`)
    const size = this.#add('Abs', [units], `${source}_size`)
    const up = this.#add('Add', [size, this.#number(`${source}_half`, 0.5)], `${source}_up`)
    const whole = this.#add('Floor', [up], `${source}_whole`)
    const signs = this.#add('Sign', [units], `${source}_sign`)
    const signed = this.#add('Mul', [whole, signs], `${source}_signed`)
    const bounds = [-127, 127].map((b, i) => this.#number(`${source}_end_${i}`, b))
    const made = this.#add('Clip', [signed, ...bounds], `${source}_codes`)
    this.#codes.set(key, made)
    return made
  }

  #convolved(node: Node, codes: ValueName, weight: ValueName, border: number): ValueName {
    const name = node.outputs[0]!
    const pads = attrInts(node, 'pads') ?? []
    const attrs = new Map(node.attrs)
    let input = codes
    if (border !== 0 && pads.some(p => p !== 0)) {
      const half = pads.length / 2
      const all = [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)]
      const by = this.#editor.addInitializer(`${name}_pads`, int64s(all))
      input = this.#add('Pad', [codes, by, this.#number(`${name}_border`, border)], `${name}_padded`)
      attrs.delete('pads')
    }
    return this.#add('Conv', [input, weight], `${name}_sums`, [...attrs])
  }

  /** A convolution rounds its product and sum once, a product of matrices each. */
  #reals({ node, weights, unit, bias }: Product, sums: ValueName, output: ValueName): ValueName {
    const isConv = node.op === 'Conv'
    const name = node.outputs[0]!
    const along = isConv ? weights.shape.slice(1).map((_, i) => (i === 0 ? unit.length : 1)) : [unit.length]
    const units = this.#numbers(`${name}_unit`, unit, along)
    if (!bias) return this.#put('Mul', [sums, units], output)
    const biases = this.#numbers(`${name}_bias`, bias, along)
    if (!isConv) return this.#put('Add', [this.#add('Mul', [sums, units], `${name}_scaled`), biases], output)
    const wide = [sums, units, biases].map(value => this.#add('Cast', [value], `${value}_wide`, [['to', int(double)]]))
    const scaled = this.#add('Mul', wide.slice(0, 2), `${name}_scaled`)
    const sum = this.#add('Add', [scaled, wide[2]], `${name}_sum`)
    return this.#put('Cast', [sum], output, [['to', int(single)]])
  }

  #restore(shifted: ValueName, rounded: Rounded, output: ValueName): void {
    const { sign, offset } = shiftOf(rounded)
    const by = this.#number(`${output}_offset`, offset)
    this.#put('Sub', sign === 1 ? [shifted, by] : [by, shifted], output)
  }

  #numbers(name: string, values: Float32Array, shape: readonly number[]): ValueName {
    return this.#editor.addInitializer(name, tensorOf(floats(shape, values)))
  }
  #number(name: string, value: number): ValueName {
    return this.#numbers(name, Float32Array.of(value), [])
  }
  #add(op: string, inputs: ValueName[], name: string, attrs: [string, Attr][] = []): ValueName {
    return this.#put(op, inputs, this.#editor.freshName(name), attrs)
  }
  #put(op: string, inputs: ValueName[], output: ValueName, attrs: [string, Attr][] = []): ValueName {
    this.#editor.addNode({ op, name: '', inputs, outputs: [output], attrs, origin: [] })
    return output
  }
}

const [single, double] = [onnxCode('float32'), onnxCode('float64')]
