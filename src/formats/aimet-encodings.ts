// AIMET's encodings, which Qualcomm's tools take: JSON with a section for activations and one for parameters. Version 0.6.1 has an object
// by tensor name, a list of encodings each (one per channel); 1.0.0 a list of objects with their name, scales and offsets as lists.
// real = (q + offset) * scale with q from 0 to 2^bits - 1, so that a symmetric 8-bit offset is -128. Fields as aimet-onnx 2.42 writes them
// (aimet_onnx/_encoding.py).
import { StudioError } from '../base/errors.ts'

export interface AimetEncoding {
  name: string
  bits: number
  /** Kept in floating point: no scales. */
  float: boolean
  symmetric: boolean
  scales: number[] // one per tensor or per channel
  offsets: number[]
}

export interface AimetEncodings {
  version: '0.6.1' | '1.0.0'
  activations: AimetEncoding[]
  parameters: AimetEncoding[]
}

type Json = Record<string, unknown>

export function parseAimetEncodings(json: unknown, file: string): AimetEncodings {
  const whole = json as Json
  const activations = sectionOf(whole.activation_encodings, 'activation_encodings', file)
  const parameters = sectionOf(whole.param_encodings, 'param_encodings', file)
  const version = Array.isArray(whole.activation_encodings) ? '1.0.0' : '0.6.1'
  return { version, activations, parameters }
}

function sectionOf(section: unknown, which: string, file: string): AimetEncoding[] {
  if (Array.isArray(section)) return section.map((entry, i) => fromList(entry as Json, `${which}[${i}]`, file))
  if (section && typeof section === 'object')
    return Object.entries(section).map(([name, entries]) => fromEntries(name, entries, file))
  throw malformed(file, `it has no ${which}`)
}

/** 1.0.0 */
function fromList(entry: Json, place: string, file: string): AimetEncoding {
  const { name, bw, dtype, is_sym, scale, offset } = entry
  if (typeof name !== 'string') throw malformed(file, `${place} has no name`)
  return checked(
    { name, bits: bw, float: dtype === 'FLOAT', symmetric: is_sym === true, scales: scale, offsets: offset },
    file,
  )
}

/** 0.6.1 */
function fromEntries(name: string, entries: unknown, file: string): AimetEncoding {
  const list = entries as Json[]
  if (!Array.isArray(list) || list.length === 0) throw malformed(file, `${name} has no encoding`)
  const { bitwidth, dtype, is_symmetric } = list[0]
  return checked(
    {
      name,
      bits: bitwidth,
      float: dtype === 'float',
      symmetric: is_symmetric === 'True' || is_symmetric === true,
      scales: list.map(e => e.scale),
      offsets: list.map(e => e.offset),
    },
    file,
  )
}

const isNumbers = (x: unknown): x is number[] => Array.isArray(x) && x.length > 0 && x.every(n => Number.isFinite(n))

function checked(
  given: { name: string; bits: unknown; float: boolean; symmetric: boolean; scales: unknown; offsets: unknown },
  file: string,
): AimetEncoding {
  const { name, bits, float, symmetric, scales, offsets } = given
  if (typeof bits !== 'number') throw malformed(file, `${name} has no bit width`)
  if (float) return { name, bits, float, symmetric: false, scales: [], offsets: [] }
  if (!isNumbers(scales) || !isNumbers(offsets) || scales.length !== offsets.length || !scales.every(s => s > 0))
    throw malformed(file, `${name} has not a scale above zero and an offset for each channel`)
  return { name, bits, float, symmetric, scales, offsets }
}

export function printAimetEncodings({ version, activations, parameters }: AimetEncodings): string {
  const section = (encodings: readonly AimetEncoding[]): unknown =>
    version === '1.0.0'
      ? encodings.map(toList)
      : Object.fromEntries(encodings.map(encoding => [encoding.name, toEntries(encoding)]))
  const whole = { version, activation_encodings: section(activations), param_encodings: section(parameters) }
  return `${JSON.stringify(whole, null, 2)}\n`
}

function toList({ name, bits, float, symmetric, scales, offsets }: AimetEncoding): Json {
  if (float) return { name, dtype: 'FLOAT', bw: bits, enc_type: 'PER_TENSOR' }
  const enc_type = scales.length === 1 ? 'PER_TENSOR' : 'PER_CHANNEL'
  return { name, dtype: 'INT', bw: bits, is_sym: symmetric, scale: scales, offset: offsets, enc_type }
}

function toEntries({ bits, float, symmetric, scales, offsets }: AimetEncoding): Json[] {
  if (float) return [{ bitwidth: bits, dtype: 'float' }]
  const top = (1 << bits) - 1 // 16 bits at most
  return scales.map((scale, i) => ({
    min: offsets[i] * scale,
    max: (offsets[i] + top) * scale,
    scale,
    offset: offsets[i],
    bitwidth: bits,
    dtype: 'int',
    is_symmetric: symmetric ? 'True' : 'False',
  }))
}

const malformed = (file: string, why: string): StudioError =>
  new StudioError('malformed', `${file} holds no AIMET encodings of version 0.6.1 or 1.0.0: ${why}`, {
    where: { file },
    hint: 'Export the encodings again in version 1.0.0.',
  })
