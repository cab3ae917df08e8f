// Whether a file is an OpenVINO model, from its name and beginning.
import { type ByteSource, text } from '../../base/bytes.ts'

const headLength = 4096

/** An XML file whose root is a net of layers. */
export async function isOpenvino(path: string, source: ByteSource): Promise<boolean> {
  if (!path.toLowerCase().endsWith('.xml')) return false
  const head = text(await source.read(0, Math.min(headLength, source.size)))
  return /<net\s[^>]*\bversion=/.test(head)
}
