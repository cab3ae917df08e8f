// Random-access bytes: what a file, a Blob, a zip entry or a buffer looks like to the core.

/** Bytes that are read in parts. `read` past the end is an error of the caller. */
export interface ByteSource {
  readonly name: string
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array>
}

/** Files by their path, as dropped, picked or named on the command line. Order is the order given. */
export type FileSet = ReadonlyMap<string, ByteSource>

/** A file to be written: made in chunks, so that it need not be in memory at once. */
export interface OutFile {
  readonly path: string
  chunks(): AsyncIterable<Uint8Array>
}

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.byteLength, read: async (offset, length) => bytes.subarray(offset, offset + length) }
}

export function outFile(path: string, bytes: Uint8Array): OutFile {
  return {
    path,
    async *chunks() {
      yield bytes
    },
  }
}

export async function readAll(source: ByteSource): Promise<Uint8Array> {
  return source.read(0, source.size)
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of chunks) parts.push(part)
  return concat(parts)
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.byteLength
  }
  return out
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
export const utf8 = (text: string): Uint8Array => encoder.encode(text)
export const text = (bytes: Uint8Array): string => decoder.decode(bytes)
