// Small TFLite models written operator by operator: tensors by name, constants with their numbers or seeded ones.
import { bytesOf, elementCount, type TypedArray } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import { writeTflite } from '../../src/formats/tflite.ts'
import {
  type BufferPart,
  builtins,
  type OptionsPart,
  type TensorPart,
  tensorTypes,
} from '../../src/formats/tflite-schema.ts'

type Type = 'FLOAT32' | 'FLOAT16' | 'INT32' | 'INT8' | 'INT16' | 'INT64' | 'BOOL' | 'INT4'
interface Described {
  shape: readonly number[]
  type?: Type
  /** A constant's numbers, or 'random'. */
  data?: readonly number[] | 'random'
  scale?: readonly number[]
  zeroPoint?: readonly number[]
  axis?: number
}
export type DescribedOptions = readonly [
  OptionsPart['name'],
  Readonly<Record<string, number | boolean | readonly number[]>>,
]
export interface DescribedModel {
  tensors: Readonly<Record<string, Described>>
  inputs: readonly string[]
  outputs: readonly string[]
  operators: readonly {
    op: string
    inputs: readonly (string | null)[]
    outputs: readonly string[]
    options?: DescribedOptions
  }[]
}

const arrays = {
  FLOAT32: Float32Array,
  FLOAT16: Uint16Array,
  INT32: Int32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  BOOL: Uint8Array,
  INT4: Int8Array,
} as const

function dataOf({ shape, type = 'FLOAT32', data }: Described, seed: string): Uint8Array | null {
  if (data === undefined) return null
  const rng = createRng(0, seed)
  const limit = type === 'INT4' ? 8 : 128
  const values =
    data === 'random'
      ? Array.from({ length: elementCount(shape) }, () =>
          type === 'FLOAT32' ? rng.normal() : rng.below(2 * limit - 1) - limit + 1,
        )
      : data
  if (type === 'INT64') return bytesOf(BigInt64Array.from(values, BigInt))
  if (type === 'INT4') {
    const packed = new Uint8Array(Math.ceil(values.length / 2))
    for (const [i, v] of values.entries()) packed[i >> 1] |= (v & 15) << (4 * (i & 1))
    return packed
  }
  return bytesOf(arrays[type].from(values) as TypedArray)
}

const versions: Readonly<Record<string, number>> = { BROADCAST_TO: 2 }

export function tfliteModel({ tensors, inputs, outputs, operators }: DescribedModel): Uint8Array {
  const names = Object.keys(tensors)
  const index = (name: string | null): number => (name === null ? -1 : names.indexOf(name))
  const buffers: BufferPart[] = [{}]
  const records = names.map((name): TensorPart => {
    const tensor = tensors[name]
    const data = dataOf(tensor, name)
    if (data) buffers.push({ data })
    const { scale, zeroPoint = scale?.map(() => 0), axis = 0, shape } = tensor
    return {
      name,
      shape,
      type: tensorTypes.indexOf(tensor.type ?? 'FLOAT32'),
      buffer: data ? buffers.length - 1 : 0,
      ...(scale ? { quantization: { scale, zeroPoint, quantizedDimension: axis } } : {}),
    }
  })
  const codes = [...new Set(operators.map(o => o.op))]
  return writeTflite({
    version: 3,
    operatorCodes: codes.map(op => {
      const code = builtins.indexOf(op)
      return { builtinCode: code, deprecatedBuiltinCode: Math.min(127, code), version: versions[op] ?? 1 }
    }),
    subgraphs: [
      {
        tensors: records,
        inputs: inputs.map(index),
        outputs: outputs.map(index),
        operators: operators.map(({ op, inputs, outputs, options }) => ({
          opcodeIndex: codes.indexOf(op),
          inputs: inputs.map(index),
          outputs: outputs.map(index),
          ...(options ? { options: { name: options[0], value: options[1] } as OptionsPart } : {}),
        })),
      },
    ],
    buffers,
  })
}
