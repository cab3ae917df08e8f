// TensorRT's calibration cache: a header, then a line `name: scale` for each tensor, the scale as the bits of a big-endian float32 in hex
// without leading zeros. real = int8 * scale, so that the largest magnitude is 127 * scale; 0 says that the tensor was not calibrated.
// Format: onnxruntime's TensorRT provider reads it (core/providers/tensorrt, ReadDynamicRange).
import { StudioError } from '../base/errors.ts'

export interface TensorrtCache {
  /** `TRT-<version>-<method>`; a cache is refused by another version. */
  header: string
  scales: { name: string; scale: number }[]
}

const bits = new DataView(new ArrayBuffer(4))

export function parseTensorrtCache(text: string, file: string): TensorrtCache {
  const [header, ...lines] = text.split(/\r?\n/)
  if (!header.startsWith('TRT-')) throw malformed(file, 'its first line is not TRT-<version>-<method>')
  const scales: TensorrtCache['scales'] = []
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue
    // Names may hold colons and spaces.
    const [, name, hex] = /^(.+): ?([0-9a-fA-F]{1,8})\s*$/.exec(line) ?? []
    if (name === undefined) throw malformed(file, `line ${i + 2} is not \`name: hexadecimal\``)
    bits.setUint32(0, Number.parseInt(hex, 16))
    const scale = bits.getFloat32(0)
    if (!(scale >= 0 && scale < Number.POSITIVE_INFINITY))
      throw malformed(file, `line ${i + 2} gives ${name} the scale ${scale}`)
    scales.push({ name, scale })
  }
  return { header, scales }
}

export function printTensorrtCache({ header, scales }: TensorrtCache): string {
  const lines = scales.map(({ name, scale }) => {
    bits.setFloat32(0, scale)
    return `${name}: ${bits.getUint32(0).toString(16)}\n`
  })
  return `${header}\n${lines.join('')}`
}

const malformed = (file: string, why: string): StudioError =>
  new StudioError('malformed', `${file} is no TensorRT calibration cache: ${why}`, {
    where: { file },
    hint: 'Write the cache again with TensorRT, or mend the line.',
  })
