// SHA-256 as lower-case hex: of bytes at once, of a stream, and of JSON with sorted keys.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { utf8 } from './bytes.ts'

export const hashBytes = (bytes: Uint8Array): string => bytesToHex(sha256(bytes))

export async function hashChunks(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = sha256.create()
  for await (const part of chunks) hash.update(part)
  return bytesToHex(hash.digest())
}

/** JSON with object keys in sorted order: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined)
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

export const hashJson = (value: unknown): string => hashBytes(utf8(canonicalJson(value)))
