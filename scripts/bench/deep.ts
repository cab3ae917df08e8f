// A deep network as an ONNX file, for the page's graph: stages of residual blocks with a bypass each, named as PyTorch names them.
import { concat } from '../../src/base/bytes.ts'
import { bytesOf } from '../../src/base/dtype.ts'
import type { NodeRecord, TensorRecord } from '../../src/formats/onnx.ts'
import { writeOnnx } from '../../src/formats/onnx-write.ts'

const channels = 4
const blockNodes = 8
const blocksInStage = 12

/** Bytes of a file of `count` nodes, or up to a block fewer. */
export function deepNetwork(count: number): Uint8Array {
  const nodes: NodeRecord[] = []
  const weight: TensorRecord = {
    name: 'weight',
    dims: [channels, channels, 1, 1],
    dataType: 1,
    data: bytesOf(new Float32Array(channels * channels).fill(0.25)),
    external: null,
  }
  const node = (op: string, name: string, inputs: string[]): string => {
    const output = `${name}_output_0`
    nodes.push({ name, op, domain: '', overload: '', inputs, outputs: [output], attributes: [] })
    return output
  }
  let at = 'x'
  for (let block = 0; nodes.length + blockNodes <= count; block++) {
    const stage = Math.floor(block / blocksInStage)
    const scope = `/stage${stage}/stage${stage}.${block % blocksInStage}`
    const first = node('Relu', `${scope}/act1/Relu`, [node('Conv', `${scope}/conv1/Conv`, [at, weight.name])])
    const second = node('Conv', `${scope}/conv2/Conv`, [first, weight.name])
    const gate = node('Sigmoid', `${scope}/gate/Sigmoid`, [node('Conv', `${scope}/gate/Conv`, [first, weight.name])])
    at = node('Relu', `${scope}/act2/Relu`, [
      node('Add', `${scope}/Add`, [node('Mul', `${scope}/Mul`, [second, gate]), at]),
    ])
  }
  const shaped = (name: string) => ({ name, tensor: { elemType: 1, shape: [1, channels, 8, 8] } })
  const { parts } = writeOnnx({
    irVersion: 8,
    producerName: 'thimble bench',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    opsets: [['', 17]],
    meta: [],
    functions: [],
    graph: {
      name: 'deep',
      nodes,
      initializers: [weight],
      sparse: [],
      inputs: [shaped('x')],
      outputs: [shaped(at)],
      valueInfos: [],
    },
  })
  return concat(parts as Uint8Array[]) // the weight is in memory, so no part is a region of a file
}
