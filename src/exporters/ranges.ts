// Ranges and scales of a plan as the files of other tools: the way back of src/importers/ranges.ts.
import { printAimetEncodings } from '../formats/aimet-encodings.ts'
import { printRangesJson } from '../formats/ranges-json.ts'
import { printTensorrtCache } from '../formats/tensorrt-cache.ts'
import type { ValueName } from '../ir/model.ts'
import { codesOf, isInt } from '../ir/number-format.ts'
import type { QuantParams, Range } from '../ir/quant.ts'

type Ranges = ReadonlyMap<ValueName, Range>

export const rangesJson = (ranges: Ranges): string =>
  printRangesJson([...ranges].map(([name, { min, max }]) => ({ name, min, max })))

/** `version` as TensorRT writes it, 8601 for 8.6.1: it refuses another's cache. */
export const tensorrtCache = (ranges: Ranges, version: string): string =>
  printTensorrtCache({
    header: `TRT-${version}-EntropyCalibration2`,
    scales: [...ranges].map(([name, { min, max }]) => ({ name, scale: Math.max(-min, max) / 127 })),
  })

/** Activations and weights as decided; AIMET counts codes from zero: its offset is smallest code less zero point. */
export function aimetEncodings(
  activations: ReadonlyMap<ValueName, QuantParams>,
  parameters: ReadonlyMap<ValueName, QuantParams>,
  version: '0.6.1' | '1.0.0' = '1.0.0',
): string {
  const encodings = (plan: ReadonlyMap<ValueName, QuantParams>) =>
    [...plan].flatMap(([name, { spec, scale, zeroPoint }]) => {
      // Encodings are of integers; what has another format is left out.
      if (!isInt(spec.format)) return []
      const { bits, signed } = spec.format
      // A restricted format leaves the smallest code out, and it still counts from it.
      const lowest = signed ? codesOf(spec.format, false).qmin : 0
      return {
        name,
        bits,
        float: false,
        symmetric: spec.symmetric,
        scales: Array.from(scale),
        offsets: Array.from(zeroPoint, z => lowest - z),
      }
    })
  return printAimetEncodings({ version, activations: encodings(activations), parameters: encodings(parameters) })
}
