// Real models from several exporters: what is read is written to an equal model that computes the same.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ByteSource, memorySource } from '../../src/base/bytes.ts'
import { hashBytes } from '../../src/base/hash.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Bytes } from '../../src/ir/context.ts'
import type { Slice } from '../../src/ir/tensor.ts'

const folder = new URL('../../../shared/data/onnx/', import.meta.url)
const models = existsSync(folder) ? readdirSync(folder).filter(f => f.endsWith('.onnx')) : []
if (models.length === 0) console.log('The models of ../shared/data/onnx are not here; their round trips are skipped.')

test.skipIf(models.length === 0).each(models.length > 0 ? models : ['../shared/data/onnx'])(
  '%s survives import, export and import',
  async file => {
    const sources = new Map<string, ByteSource>()
    for (const name of [file, `${file}.data`]) {
      const path = new URL(name, folder)
      if (existsSync(path)) sources.set(name, memorySource(name, readFileSync(path)))
    }
    const first = await importModel(sources)
    const bytes = createBytes(first.sources)
    const written = await encodeModel(first.model, bytes)
    const second = await importModel(new Map([['again.onnx', memorySource('again.onnx', written)]]))
    expect(await hashed(second.model, createBytes(second.sources))).toEqual(await hashed(first.model, bytes))
    expect(hashBytes(await encodeModel(second.model, createBytes(second.sources)))).toBe(hashBytes(written))
  },
)

/** The same with every tensor's bytes as their hash, whether they are in memory or in a file. */
async function hashed(value: unknown, bytes: Bytes): Promise<unknown> {
  if (value instanceof Uint8Array) return hashBytes(value)
  if (value instanceof Map)
    return new Map(await Promise.all([...value].map(async ([k, v]) => [k, await hashed(v, bytes)] as const)))
  if (Array.isArray(value)) return Promise.all(value.map(v => hashed(v, bytes)))
  if (value === null || typeof value !== 'object') return value
  if ('source' in value) return hashBytes(await bytes.slice(value as Slice))
  const entries = Object.entries(value).map(async ([k, v]) => [k, await hashed(v, bytes)] as const)
  return Object.fromEntries(await Promise.all(entries))
}
