// WAV files as samples, and as pictures.
import { describe, expect, test } from 'vitest'
import { memorySource, utf8 } from '../../src/base/bytes.ts'
import { openDataset } from '../../src/data/dataset.ts'
import { readWav } from '../../src/formats/wav.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { powerOf, spectrogram } from '../../workers/spectrogram.ts'
import { build } from '../build.ts'

interface Given {
  rate?: number
  format?: number
  bits?: number
  channels?: number
  /** WAVEFORMATEXTENSIBLE, and a chunk of odd length before the data. */
  extended?: boolean
}

/** A WAV file of these bytes of values. */
function wav(data: Uint8Array, { rate = 16000, format = 1, bits = 16, channels = 1, extended = false }: Given = {}) {
  const chunk = (name: string, body: Uint8Array): Uint8Array => {
    const all = new Uint8Array(8 + body.length + (body.length & 1))
    all.set(utf8(name))
    new DataView(all.buffer).setUint32(4, body.length, true)
    all.set(body, 8)
    return all
  }
  const fmt = new DataView(new ArrayBuffer(extended ? 40 : 16))
  const each = (channels * bits) / 8
  fmt.setUint16(0, extended ? 0xfffe : format, true)
  fmt.setUint16(2, channels, true)
  fmt.setUint32(4, rate, true)
  fmt.setUint32(8, rate * each, true)
  fmt.setUint16(12, each, true)
  fmt.setUint16(14, bits, true)
  if (extended) fmt.setUint16(24, format, true)
  const chunks = [
    chunk('fmt ', new Uint8Array(fmt.buffer)),
    ...(extended ? [chunk('LIST', new Uint8Array(5))] : []),
    chunk('data', data),
  ]
  const body = new Uint8Array(chunks.reduce((n, c) => n + c.length, 4))
  body.set(utf8('WAVE'))
  let at = 4
  for (const c of chunks) {
    body.set(c, at)
    at += c.length
  }
  return chunk('RIFF', body)
}
const bytes = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const short = (...values: number[]) => bytes(Int16Array.from(values))

describe('a WAV file', () => {
  test.each([
    ['16 bits', wav(short(0, 16384, -32768)), [0, 0.5, -1]],
    ['8 bits, which have no sign', wav(Uint8Array.of(128, 192, 0), { bits: 8 }), [0, 0.5, -1]],
    ['24 bits', wav(Uint8Array.of(0, 0, 0x40, 0, 0, 0x80), { bits: 24 }), [0.5, -1]],
    ['32 bits', wav(bytes(Int32Array.of(1 << 30)), { bits: 32 }), [0.5]],
    ['floats', wav(bytes(Float32Array.of(0.25, -1)), { format: 3, bits: 32 }), [0.25, -1]],
    ['doubles', wav(bytes(Float64Array.of(0.25)), { format: 3, bits: 64 }), [0.25]],
    ['two channels', wav(short(16384, 0, -16384, -16384), { channels: 2 }), [0.25, -0.5]],
    ['the long form of its head', wav(short(16384), { extended: true }), [0.5]],
  ])('of %s is read', (_, file, values) => {
    expect([...readWav(file).values]).toEqual(values)
  })

  test('tells its rate', () => expect(readWav(wav(short(1), { rate: 8000 })).rate).toBe(8000))

  test.each([
    ['is something else', utf8('RIFFxxxxAVI LIST'), /it is no WAV file/],
    ['is compressed', wav(short(1), { format: 2 }), /it is compressed \(format 2\)/],
    ['has odd bits', wav(short(1), { bits: 12 }), /it has 12 bits a value/],
    ['is cut short', wav(short(1, 2, 3, 4)).subarray(0, 48), /cut short/],
    ['ends before its data', wav(short(1)).subarray(0, 36), /cut short/],
  ])('that %s is refused', (_, file, words) => {
    expect(() => readWav(file)).toThrow(words)
  })
})

describe('a folder of sounds', () => {
  const model = build('graph (x: f32[N,1,500]) -> (y) { y = Relu(x) }')
  const open = (files: Record<string, Uint8Array>, of = model) =>
    openDataset(new Map(Object.entries(files).map(([path, file]) => [path, memorySource(path, file)])), null, {
      model: of,
      spec: { inputs: {} },
      codecs: createNodeCodecs(),
    })
  const tone = (seed: number, length: number) =>
    wav(short(...Array.from({ length }, (_, i) => 8192 + ((seed * i) % 97))))

  test('is fed from its beginning, with silence behind, and labelled by folders', async () => {
    const dataset = await open({
      'd/yes/a.wav': tone(3, 700),
      'd/no/b.wav': tone(5, 300),
      'd/no/readme.txt': utf8('x'),
    })
    expect([dataset.size, dataset.labels, dataset.classes]).toEqual([2, 'class', ['no', 'yes']])
    const samples = []
    for await (const sample of dataset.samples()) samples.push(sample)
    const [b, a] = samples
    expect([b.label, a.label]).toEqual([0, 1])
    expect(a.feeds.x.shape).toEqual([1, 1, 500])
    expect(a.feeds.x.data[0]).toBe(0.25)
    expect(a.feeds.x.data[499]).not.toBe(0)
    expect(b.feeds.x.data[299]).not.toBe(0)
    expect(b.feeds.x.data[300]).toBe(0)
  })

  test('leaves out what is broken and what has another rate, by name', async () => {
    const dataset = await open({
      'd/a.wav': utf8('RIFF'),
      'd/b.wav': tone(3, 600),
      'd/c.wav': wav(short(...Array(600).fill(900)), { rate: 8000 }),
      'd/d.wav': tone(7, 600),
    })
    const names = []
    for await (const { name } of dataset.samples()) names.push(name)
    expect(names).toEqual(['d/b.wav', 'd/d.wav'])
    expect(dataset.skipped.map(({ sample }) => sample)).toEqual(['d/a.wav', 'd/c.wav'])
    expect(dataset.skipped[1].why).toContain('It has 8000 values a second, and d/b.wav has 16000.')
  })

  test('is refused by a model of pictures', async () => {
    const pictures = build('graph (x: f32[N,3,20,20]) -> (y) { y = Relu(x) }')
    await expect(open({ 'd/a.wav': tone(1, 9) }, pictures)).rejects.toThrow(/one long axis, but .* are x/)
  })
})

describe('a spectrogram', () => {
  const sine = (frequency: number, length: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(2 * Math.PI * frequency * i))

  test('has a tone at its frequency, the lowest at the foot', () => {
    const { width, height, values } = spectrogram(sine(1 / 8, 16000))
    const column = Array.from({ length: height }, (_, row) => values[row * width + (width >> 1)])
    // An eighth of the rate is a quarter of the way up.
    expect(column.indexOf(Math.max(...column))).toBe(height - 1 - height / 4)
    expect(Math.max(...column) - Math.min(...column)).toBeCloseTo(80, 3)
  })

  test('is by the discrete Fourier transform', () => {
    const values = sine(0.11, 64).map((x, i) => x + 0.3 * ((i * 7919) % 13))
    const power = powerOf(values)
    for (const k of [0, 1, 5, 31]) {
      let [re, im] = [0, 0]
      for (const [i, x] of values.entries()) {
        const windowed = x * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 64))
        re += windowed * Math.cos((2 * Math.PI * k * i) / 64)
        im -= windowed * Math.sin((2 * Math.PI * k * i) / 64)
      }
      expect(power[k]).toBeCloseTo(re * re + im * im, 8)
    }
  })
})
