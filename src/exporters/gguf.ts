// GGUF: a model's weights by name, in ggml's types. Matrices whose rows are whole blocks of 32 are quantised as ggml does it, the
// rest is kept in halves; vectors stay floats. The graph is not in it.
import { bytesOf, isFloat, viewAs } from '../base/dtype.ts'
import { fromHalf, toHalf } from '../base/half.ts'
import { type GgmlType, type GgufTensor, packQ4, packQ8, writeGguf } from '../formats/gguf.ts'
import type { Bytes } from '../ir/context.ts'
import type { Value } from '../ir/model.ts'
import type { Exporter } from './types.ts'

const longestName = 64 // GGML_MAX_NAME, its last byte a zero

export const gguf: Exporter = {
  id: 'gguf',
  label: 'GGUF',
  write: async (model, _target, { form, bytes, quantized, name }) => {
    const { graph } = quantized?.float ?? model
    const notes = ['The graph is not in it; accuracy and agreement here are of the float model.']
    const weights = [...graph.values.values()].filter(
      ({ data }) => data && isFloat(data.dtype) && data.shape.length <= 4,
    )
    const tensors: GgufTensor[] = []
    let halves = 0
    for (const value of weights) {
      const tensor = await tensorOf(value, form, bytes)
      if (form.startsWith('q') && tensor.type === 'f16') halves++
      tensors.push(tensor)
    }
    if (halves > 0)
      notes.push(`${halves} of ${tensors.length} tensors are halves: their rows are no whole blocks of 32 elements.`)
    const long = tensors.find(tensor => tensor.name.length >= longestName)
    if (long) notes.push(`Names such as ${long.name} are longer than the ${longestName - 1} bytes that ggml reads.`)
    const parts = writeGguf({ 'general.architecture': 'onnx', 'general.name': name }, tensors)
    return {
      files: [
        {
          path: 'model.gguf',
          async *chunks() {
            yield* parts
          },
        },
      ],
      roles: { model: 'model.gguf' },
      notes,
      around: [],
      howToRun,
    }
  },
}

async function tensorOf({ name, data }: Value, form: string, bytes: Bytes): Promise<GgufTensor> {
  const { dtype, shape } = data!
  const raw = await bytes.read(data!)
  const view = viewAs(dtype, raw)
  const values =
    dtype === 'float16' ? Float32Array.from(view as Uint16Array, fromHalf) : Float32Array.from(view as Float32Array)
  const type = typeOf(shape, form)
  const packed: Partial<Record<GgmlType, () => Uint8Array>> = {
    q8_0: () => packQ8(values),
    q4_0: () => packQ4(values),
    f16: () => bytesOf(Uint16Array.from(values, toHalf)),
  }
  return { name, shape, type, data: (packed[type] ?? (() => bytesOf(values)))() }
}

/** Vectors, biases and factors among them, are small and stay exact. */
function typeOf(shape: readonly number[], form: string): GgmlType {
  if (shape.length < 2 || form === 'float') return 'f32'
  if (form === 'float16' || shape[shape.length - 1] % 32 !== 0) return 'f16'
  return form === 'q4_0' ? 'q4_0' : 'q8_0'
}

const howToRun = `\`\`\`python
# pip install gguf
from gguf import GGUFReader, dequantize

for tensor in GGUFReader("model.gguf").tensors:
    print(tensor.name, tensor.shape, tensor.tensor_type.name, dequantize(tensor.data, tensor.tensor_type).shape)
\`\`\``
