// ncnn's calibration table: a line for each layer with the scales of its weights, `layer_param_0 s s ...`, and one with the scale of its
// input, `layer s`. int8 = real * scale, so that the largest magnitude is 127 / scale. Format: Tencent/ncnn, tools/quantize
// (ncnn2table.cpp writes it, ncnn2int8.cpp reads it).
import { StudioError } from '../base/errors.ts'

export interface NcnnTable {
  /** By layer and parameter, as `layer_param_0`: one scale per output channel or group. */
  weights: { name: string; scales: number[] }[]
  /** By layer: the scale of its input. */
  activations: { name: string; scales: number[] }[]
}

export function parseNcnnTable(text: string, file: string): NcnnTable {
  const table: NcnnTable = { weights: [], activations: [] }
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const [name, ...words] = line.trim().split(/\s+/)
    if (name === '') continue
    const scales = words.map(Number)
    if (scales.length === 0 || !scales.every(s => s > 0 && s < Number.POSITIVE_INFINITY))
      throw new StudioError(
        'malformed',
        `${file} is no ncnn table: line ${i + 1} is not a name and scales above zero`,
        {
          where: { file },
          hint: 'Write the table again with ncnn2table, or mend the line.',
        },
      )
    const list = name.includes('_param_') ? table.weights : table.activations
    list.push({ name, scales })
  }
  return table
}

export const printNcnnTable = ({ weights, activations }: NcnnTable): string =>
  [...weights, ...activations].map(({ name, scales }) => `${name} ${scales.map(shortest).join(' ')}\n`).join('')

/** Nine digits tell every float32 from its neighbours. */
const shortest = (scale: number): string => String(Number(Math.fround(scale).toPrecision(9)))
