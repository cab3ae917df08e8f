// ncnn's .bin: weights one after another in the order of the layers, told apart only by what each layer asks for. A weight (load type 0)
// begins with a tag that says how its numbers lie; biases and scales (load type 1) are bare float32.
// Tencent/ncnn: src/modelbin.cpp. All little-endian, every array padded to four bytes.
import type { ByteSource } from '../base/bytes.ts'
import { bytesOf } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { fromHalf, toHalf } from '../base/half.ts'

const tags = { half: 0x01306b47, int8: 0x000d4b38, scaled: 0x0002c056 } as const

/** Where numbers lie in the file, or the numbers themselves where the file has them in another form. */
export type NcnnWeight =
  | { dtype: 'float32' | 'int8'; offset: number; length: number }
  | { dtype: 'float32'; data: Float32Array; stored: 'float16' | 'table' }

const padded = (length: number): number => Math.ceil(length / 4) * 4

/** Reads arrays in their order. */
export class NcnnBin {
  readonly #source: ByteSource
  #at = 0
  constructor(source: ByteSource) {
    this.#source = source
  }

  /** Bytes that were not asked for yet. */
  get left(): number {
    return this.#source.size - this.#at
  }

  /** `count` numbers that begin with a tag, for the layer `layer`. */
  async tagged(count: number, layer: string): Promise<NcnnWeight> {
    const tag = (await this.#take(4, layer)).getUint32(0, true)
    if (tag === tags.int8) return { dtype: 'int8', offset: this.#skip(padded(count), layer), length: count }
    if (tag === tags.half) {
      const halves = await this.#take(padded(2 * count), layer)
      const data = Float32Array.from({ length: count }, (_, i) => fromHalf(halves.getUint16(2 * i, true)))
      return { dtype: 'float32', data, stored: 'float16' }
    }
    if (tag === 0 || tag === tags.scaled) return this.raw(count, layer)
    // As in ncnn: a tag of which any byte is set and that is none of the known ones stands before a table of 256 numbers.
    const table = await this.#take(1024, layer)
    const codes = await this.#take(padded(count), layer)
    const data = Float32Array.from({ length: count }, (_, i) => table.getFloat32(4 * codes.getUint8(i), true))
    return { dtype: 'float32', data, stored: 'table' }
  }

  /** `count` bare float32. */
  raw(count: number, layer: string): NcnnWeight {
    return { dtype: 'float32', offset: this.#skip(4 * count, layer), length: 4 * count }
  }

  /** `count` bare float32, read: the scales of int8 layers. */
  async floats(count: number, layer: string): Promise<Float32Array> {
    const view = await this.#take(4 * count, layer)
    return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true))
  }

  async #take(length: number, layer: string): Promise<DataView> {
    const { buffer, byteOffset, byteLength } = await this.#source.read(this.#skip(length, layer), length)
    return new DataView(buffer, byteOffset, byteLength)
  }

  #skip(length: number, layer: string): number {
    const { name, size } = this.#source
    if (!(length <= this.left))
      throw new StudioError(
        'truncated',
        `${name} ends at byte ${size}, inside the weights of the layer ${layer}, which end at ${this.#at + length}`,
        {
          where: { file: name, node: layer },
          hint: `Open the .bin that was written together with this .param, or copy ${name} again, completely.`,
        },
      )
    this.#at += length
    return this.#at - length
  }
}

/** Builds the file from arrays in the order of the layers. */
export class NcnnBinWriter {
  readonly parts: Uint8Array[] = []

  raw(values: Float32Array): void {
    this.parts.push(bytesOf(values))
  }

  float32(values: Float32Array): void {
    this.#tag(0)
    this.raw(values)
  }

  float16(values: Float32Array): void {
    this.#tag(tags.half)
    this.#padded(bytesOf(Uint16Array.from(values, toHalf)))
  }

  int8(codes: Int8Array): void {
    this.#tag(tags.int8)
    this.#padded(bytesOf(codes))
  }

  #tag(tag: number): void {
    this.parts.push(bytesOf(Uint32Array.of(tag)))
  }

  #padded(bytes: Uint8Array): void {
    this.parts.push(bytes, new Uint8Array(padded(bytes.length) - bytes.length))
  }
}
