// What a file that is no model looks like, from its first bytes, so that the message can say it.

const magics: readonly (readonly [offset: number, bytes: string, what: string])[] = [
  [0, 'PK\x03\x04', 'a zip archive'],
  [0, '\x89PNG', 'a PNG image'],
  [0, '\xff\xd8\xff', 'a JPEG image'],
  [0, 'GIF8', 'a GIF image'],
  [0, 'BM', 'a BMP image'],
  [8, 'WEBP', 'a WebP image'],
  [0, '%PDF', 'a PDF document'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, '\x89HDF', 'an HDF5 file (Keras)'],
  [4, 'TFL3', 'a TensorFlow Lite model'],
  [4, 'ORTM', 'a model in ONNX Runtime’s own ORT format'],
  [0, '\x93NUMPY', 'a NumPy array'],
  [0, 'GGUF', 'a GGUF model'],
  [0, '\x80\x02', 'a Python pickle (PyTorch)'],
  [0, '\x80\x04', 'a Python pickle'],
  [0, '\x7fELF', 'a program'],
  [0, 'MZ', 'a Windows program'],
  [0, 'version https://git-lfs', 'a Git LFS pointer: the model itself has not been downloaded'],
]

/** One phrase for the kind of file that begins with `head`, or null. */
export function looksLike(head: Uint8Array): string | null {
  if (head.length === 0) return 'empty'
  const text = String.fromCharCode(...head.subarray(0, 512))
  for (const [offset, bytes, what] of magics) if (text.startsWith(bytes, offset)) return what
  if (head.every(byte => byte === 0)) return 'nothing but zeros'
  const readable = head.every(byte => byte >= 32 || byte === 9 || byte === 10 || byte === 13)
  if (!readable) return null
  const start = text.trimStart()
  if (start.startsWith('<')) return /^<(!doctype html|html)/i.test(start) ? 'a web page' : 'an XML file'
  if (start.startsWith('{') || start.startsWith('[')) return 'a JSON file'
  return 'a text file'
}
