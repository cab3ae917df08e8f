// Plain cloneable data as bytes and back, lossless: JSON for the structure, behind it the bytes of every typed array. Equal data
// give equal bytes. Layout: u32 length of the JSON, the JSON, padding to 8, the arrays each padded to 8.
import { concat, text, utf8 } from './bytes.ts'
import type { TypedArray } from './dtype.ts'
import { StudioError } from './errors.ts'

const arrayTypes = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const
type ArrayType = keyof typeof arrayTypes

type Coded =
  | null
  | boolean
  | string
  | number
  | { $: 'undefined' }
  | { $: 'number'; v: string } // NaN, infinities, -0
  | { $: 'bigint'; v: string }
  | { $: 'map'; v: [Coded, Coded][] }
  | { $: 'set'; v: Coded[] }
  | { $: 'array'; t: ArrayType; at: number; n: number }
  | { $: 'list'; v: Coded[] }
  | { $: 'object'; v: [string, Coded][] }

const padded = (n: number): number => (n + 7) & ~7

export function pack(value: unknown): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  const seen = new Map<TypedArray, Coded>()
  const encode = (v: unknown): Coded => {
    if (v === null || typeof v === 'boolean' || typeof v === 'string') return v
    if (v === undefined) return { $: 'undefined' }
    if (typeof v === 'number')
      return Number.isFinite(v) && !Object.is(v, -0) ? v : { $: 'number', v: Object.is(v, -0) ? '-0' : String(v) }
    if (typeof v === 'bigint') return { $: 'bigint', v: v.toString() }
    if (v instanceof Map) return { $: 'map', v: [...v].map(([k, x]) => [encode(k), encode(x)]) }
    if (v instanceof Set) return { $: 'set', v: [...v].map(encode) }
    if (Array.isArray(v)) return { $: 'list', v: v.map(encode) }
    if (ArrayBuffer.isView(v)) {
      const array = v as TypedArray
      const known = seen.get(array)
      if (known) return known
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      const coded: Coded = { $: 'array', t: array.constructor.name as ArrayType, at, n: array.length }
      parts.push(bytes, new Uint8Array(padded(bytes.length) - bytes.length))
      at += padded(bytes.length)
      seen.set(array, coded)
      return coded
    }
    if (typeof v === 'object') return { $: 'object', v: Object.entries(v).map(([k, x]) => [k, encode(x)]) }
    throw new StudioError('internal', `A ${typeof v} cannot be stored`, { hint: 'Report this.' })
  }
  const json = utf8(JSON.stringify(encode(value)))
  const head = new Uint8Array(padded(4 + json.length))
  new DataView(head.buffer).setUint32(0, json.length, true)
  head.set(json, 4)
  return concat([head, ...parts])
}

export function unpack(bytes: Uint8Array): unknown {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const base = padded(4 + length)
  const arrays = new Map<number, TypedArray>()
  const decode = (c: Coded): unknown => {
    if (c === null || typeof c !== 'object') return c
    switch (c.$) {
      case 'undefined':
        return undefined
      case 'number':
        return Number(c.v)
      case 'bigint':
        return BigInt(c.v)
      case 'map':
        return new Map(c.v.map(([k, v]) => [decode(k), decode(v)]))
      case 'set':
        return new Set(c.v.map(decode))
      case 'list':
        return c.v.map(decode)
      case 'object':
        return Object.fromEntries(c.v.map(([k, v]) => [k, decode(v)]))
      case 'array': {
        const known = arrays.get(c.at)
        if (known && known.length === c.n && known.length > 0) return known
        const type = arrayTypes[c.t]
        // A copy, so that the array is aligned and does not keep the whole package alive.
        const own = bytes.slice(base + c.at, base + c.at + c.n * type.BYTES_PER_ELEMENT)
        const array = new type(own.buffer, 0, c.n)
        if (c.n > 0) arrays.set(c.at, array)
        return array
      }
    }
  }
  return decode(JSON.parse(text(bytes.subarray(4, 4 + length))) as Coded)
}
