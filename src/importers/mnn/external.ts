// Weights that an .mnn file leaves in the `.mnn.weight` file beside it: each operator says where they lie and how long they are.
import type { FileSet } from '../../base/bytes.ts'
import { viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { baseName } from '../../base/paths.ts'
import type { MnnNet } from '../../formats/mnn.ts'
import { type Blob, dataTypes, type Op } from '../../formats/mnn-schema.ts'

/** The network with all weights in it, and the size of the file that they came from. */
export async function fetchExternal(
  net: MnnNet,
  files: FileSet,
  path: string,
): Promise<{ net: MnnNet; bytes: number }> {
  const isOutside = ({ main }: Op): boolean =>
    !!main && 'value' in main && 'external' in main.value && (main.value.external?.length ?? 0) > 0
  if (!net.oplists!.some(isOutside)) return { net, bytes: 0 }
  const weightPath = `${path}.weight`
  const source = files.get(weightPath)
  if (!source)
    throw new StudioError(
      'missing-file',
      `${baseName(path)} has its weights in ${baseName(weightPath)}, which is not there`,
      {
        where: { file: weightPath },
        hint: `Open both files together: ${baseName(path)} and ${baseName(weightPath)}.`,
      },
    )
  const oplists: Op[] = []
  for (const op of net.oplists!) oplists.push(isOutside(op) ? await fetched(op) : op)
  return { net: { ...net, oplists }, bytes: source.size }

  async function fetched(op: Op): Promise<Op> {
    const { main } = op
    if (!main || !('value' in main) || !('external' in main.value)) return op
    let [at, ...lengths] = [...main.value.external!].map(Number)
    const parts: Uint8Array[] = []
    for (const length of lengths) {
      if (at < 0 || length < 0 || at + length > source!.size)
        throw new StudioError(
          'truncated',
          `${baseName(weightPath)} ends at byte ${source!.size}, inside the weights of ${op.name}`,
          {
            where: { file: weightPath, node: op.name ?? '' },
            hint: 'Copy both files of the model again.',
          },
        )
      parts.push(new Uint8Array(await source!.read(at, length)))
      at += length
    }
    const reals = (i: number): Float32Array | null => (parts[i] ? (viewAs('float32', parts[i]) as Float32Array) : null)
    switch (main.name) {
      case 'Convolution2D': {
        const { value } = main
        const quan = value.quanParameter
        // Weights, scales, bias; without scales where the weights are floats.
        if (!quan || quan.type === 0)
          return { ...op, main: { ...main, value: { ...value, weight: reals(0), bias: reals(1) ?? value.bias } } }
        const buffer = new Int8Array(parts[0].buffer, parts[0].byteOffset, parts[0].byteLength)
        const half = quan.scaleStorage === 1
        const scales = half
          ? { alphaFp16: viewAs('uint16', parts[1]) as Uint16Array, alpha: null }
          : { alpha: parts[1]?.length ? reals(1) : quan.alpha }
        const quanParameter = { ...quan, buffer, ...scales }
        return { ...op, main: { ...main, value: { ...value, quanParameter, bias: reals(2) ?? value.bias } } }
      }
      case 'Scale':
        return { ...op, main: { ...main, value: { ...main.value, scaleData: reals(0), biasData: reals(1) } } }
      case 'LayerNorm':
        return { ...op, main: { ...main, value: { ...main.value, gamma: reals(0), beta: reals(1) } } }
      case 'Blob':
        return { ...op, main: { ...main, value: filled(main.value, parts[0]) } }
    }
    return op
  }
}

function filled(blob: Blob, bytes: Uint8Array): Blob {
  switch (dataTypes[blob.dataType as keyof typeof dataTypes]) {
    case 'float32':
      return { ...blob, float32s: viewAs('float32', bytes) as Float32Array }
    case 'int32':
      return { ...blob, int32s: viewAs('int32', bytes) as Int32Array }
    case 'int8':
      return { ...blob, int8s: viewAs('int8', bytes) as Int8Array }
    default:
      return { ...blob, uint8s: bytes }
  }
}
