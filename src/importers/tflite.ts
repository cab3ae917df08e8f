// TensorFlow Lite (LiteRT): NHWC and fused activations told as ONNX has them, integers with their scales as QDQ pairs. The code that
// reads it is loaded when a file of that format is there.
import type { ByteSource, FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { baseName } from '../base/paths.ts'
import { inFile } from './in-file.ts'
import type { Importer } from './types.ts'

export const tflite: Importer = {
  id: 'tflite',
  label: 'TensorFlow Lite',
  extensions: ['.tflite'],
  probe: async files => {
    let best = 0
    for (const [path, source] of files) best = Math.max(best, await probeFile(path, source))
    return best
  },
  read: async (files, main) => {
    const path = main ?? (await onlyModel(files))
    const source = files.get(path)
    if (!source)
      throw new StudioError('usage', `There is no file ${path} among those given`, {
        where: { file: path },
        hint: `Choose one of: ${[...files.keys()].join(', ')}.`,
      })
    return inFile(path, async () => {
      const { readModel } = await import('./tflite/read.ts')
      const { model, notes } = await readModel(source, path)
      const sources = new Map([[path, source]])
      return { model, name: baseName(path), format: 'tflite', bytes: source.size, sources, notes }
    })
  },
}

async function probeFile(path: string, source: ByteSource): Promise<number> {
  const head = await source.read(0, Math.min(8, source.size))
  if (String.fromCharCode(...head.subarray(4)) === 'TFL3') return 1
  return path.toLowerCase().endsWith('.tflite') ? 0.5 : 0
}

async function onlyModel(files: FileSet): Promise<string> {
  const sure: string[] = []
  for (const [path, source] of files) if ((await probeFile(path, source)) > 0) sure.push(path)
  if (sure.length > 1)
    throw new StudioError('usage', `There are ${sure.length} TensorFlow Lite models: ${sure.join(', ')}`, {
      where: { file: sure[0] },
      hint: 'Open one of them.',
    })
  return sure[0]
}
