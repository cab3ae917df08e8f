// The theoretical size of a model: every tensor in its file, but weights at the bits that their layer uses instead of the type they
// are stored in. Scales, tables and biases count as they are stored; the graph's own bytes do not count. No runtime reads such a file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runnerImport } from 'vite'
import { root } from '../install.mjs'

const load = async path => (await runnerImport(join(root, path), { configFile: false, logLevel: 'error', root })).module

/** Bytes. `layers` are the report's: a weight whose layer is not among them counts at its stored type. */
export async function packedBytes(path, layers) {
  const { readOnnx } = await load('src/formats/onnx-read.ts')
  const { memorySource } = await load('src/base/bytes.ts')
  const { byteLength, bitsOf, dtypeOfOnnx, elementCount } = await load('src/base/dtype.ts')
  const { graph } = await readOnnx(memorySource(path, new Uint8Array(readFileSync(path))), path)
  const tensors = new Map(graph.initializers.map(t => [t.name, t]))
  const makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n])))
  const bitsOfLayer = new Map(layers.map(l => [l.node, l.weightBits]))

  /** The stored tensor that an operator's weight is made of, through what turns codes into numbers. */
  const codesOf = name => {
    const maker = makers.get(name)
    return tensors.get(name) ?? (maker ? codesOf(maker.inputs[0]) : undefined)
  }
  const bits = new Map()
  for (const node of graph.nodes) {
    const weightBits = bitsOfLayer.get(node.name)
    const codes = weightBits ? codesOf(node.inputs[1]) : undefined
    // A second operand that is no weight, as that of a sum of two layers, leads to the model's input or to another layer's.
    if (codes && !bits.has(codes.name)) bits.set(codes.name, weightBits)
  }
  let sum = 0
  for (const { name, dims, dataType } of graph.initializers) {
    const dtype = dtypeOfOnnx(dataType)
    const count = elementCount(dims.map(Number))
    const stored = bitsOf(dtype)
    sum += bits.has(name) ? Math.ceil((count * Math.min(stored, bits.get(name))) / 8) : byteLength(dtype, count)
  }
  return sum
}
