// WAVE files (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications", 1991; WAVEFORMATEXTENSIBLE): integers of 8
// to 32 bits and floats, every channel. What is compressed is refused by its number.
import { StudioError } from '../base/errors.ts'

export interface Wav {
  rate: number // values a second
  channels: number
  /** From -1 to 1, the mean of all channels. */
  values: Float32Array
}

const integers = 1
const floats = 3
const extensible = 0xfffe

const refuse = (what: string): StudioError =>
  new StudioError('bad-data', `The sound cannot be read: ${what}.`, {
    hint: 'Save it as WAV with 16 bits, without compression, or take it out of the folder.',
  })

/** How one value is read of the bytes from `at` on. */
function reader(view: DataView, format: number, bits: number): (at: number) => number {
  if (format === floats && bits === 32) return at => view.getFloat32(at, true)
  if (format === floats && bits === 64) return at => view.getFloat64(at, true)
  if (format === integers && bits === 8) return at => (view.getUint8(at) - 128) / 128
  if (format === integers && bits === 16) return at => view.getInt16(at, true) / 32768
  if (format === integers && bits === 24)
    return at => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608
  if (format === integers && bits === 32) return at => view.getInt32(at, true) / 2147483648
  throw refuse(
    format === integers || format === floats ? `it has ${bits} bits a value` : `it is compressed (format ${format})`,
  )
}

export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const name = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') throw refuse('it is no WAV file')
  let described: { format: number; channels: number; rate: number; bits: number } | null = null
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    const body = at + 8
    if (name(at) === 'fmt ' && body + 16 <= bytes.length) {
      const format = view.getUint16(body, true)
      described = {
        format: format === extensible && size >= 26 ? view.getUint16(body + 24, true) : format,
        channels: view.getUint16(body + 2, true),
        rate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      }
    }
    if (name(at) === 'data') {
      if (!described) break
      // Recorders that stream leave the size at its largest.
      const present = bytes.length - body
      if (size > present && size < 0xffff_fff0) throw refuse('the file is cut short')
      return { ...decoded(view, body, Math.min(size, present), described), rate: described.rate }
    }
    at = body + size + (size & 1)
  }
  throw refuse('the file is cut short')
}

function decoded(
  view: DataView,
  from: number,
  size: number,
  { format, channels, bits }: { format: number; channels: number; bits: number },
): Pick<Wav, 'channels' | 'values'> {
  const read = reader(view, format, bits)
  const each = bits / 8
  if (channels === 0) throw refuse('it has no channel')
  const values = new Float32Array(Math.floor(size / (each * channels)))
  for (let i = 0; i < values.length; i++) {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += read(from + (i * channels + c) * each)
    values[i] = sum / channels
  }
  return { channels, values }
}
