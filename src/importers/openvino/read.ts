// The files of an OpenVINO model to the graph: which .xml, which .bin, and an error that names the file where something is amiss.
import { type ByteSource, type FileSet, readAll, text } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'
import { baseName } from '../../base/paths.ts'
import { readOpenvino } from '../../formats/openvino.ts'
import type { Model } from '../../ir/model.ts'
import { verify } from '../../ir/verify.ts'
import { inFile } from '../in-file.ts'
import type { Imported } from '../types.ts'
import { graphFrom, opset } from './graph.ts'
import { isOpenvino } from './probe.ts'

export async function readModel(files: FileSet, main: string | undefined): Promise<Imported> {
  const path = await mainFile(files, main)
  return inFile(path, () => readFile(files, path, files.get(path)!))
}

/** The .xml; the file of its constants stands for it. */
async function mainFile(files: FileSet, main: string | undefined): Promise<string> {
  if (main !== undefined) {
    const path = /\.bin$/i.test(main) ? main.replace(/\.bin$/i, '.xml') : main
    if (files.has(path)) return path
  }
  const found: string[] = []
  for (const [path, source] of files) if (await isOpenvino(path, source)) found.push(path)
  if (found.length === 1) return found[0]
  throw new StudioError(
    'usage',
    found.length === 0
      ? `No OpenVINO model is among ${[...files.keys()].join(', ')}`
      : `There are ${found.length} OpenVINO models: ${found.join(', ')}`,
    { where: { file: main ?? found[0] }, hint: 'Open the .xml file of one model, together with its .bin file.' },
  )
}

/** Beside the .xml under the same name; or, since files that are dropped come without folders, the only .bin there is. */
function constantsFile(files: FileSet, path: string): readonly [string, ByteSource] | null {
  const wanted = path.replace(/\.xml$/i, '.bin')
  const source = files.get(wanted)
  if (source) return [wanted, source]
  const others = [...files].filter(([name]) => /\.bin$/i.test(name))
  const alike = others.filter(([name]) => baseName(name) === baseName(wanted))
  const [only, ...more] = alike.length > 0 ? alike : others
  return only && more.length === 0 ? only : null
}

async function readFile(files: FileSet, path: string, source: ByteSource): Promise<Imported> {
  const net = readOpenvino(text(await readAll(source)), baseName(path))
  const constants = constantsFile(files, path)
  const needed = net.layers.some(l => l.type === 'Const' && Number(l.data.get('size')) > 0)
  if (needed && !constants) {
    const name = baseName(path).replace(/\.xml$/i, '.bin')
    throw new StudioError('missing-file', `The weights of ${baseName(path)} are in ${name}, which is not here`, {
      where: { file: name },
      hint: `Open ${name} together with ${baseName(path)}.`,
    })
  }
  const sources = new Map<string, ByteSource>([[path, source], ...(constants ? [constants] : [])])
  const graph = await graphFrom(net, constants)
  verify(graph)
  const model: Model = {
    graph,
    functions: [],
    opsets: { '': opset },
    irVersion: 10,
    meta: {},
    producer: { name: 'OpenVINO', version: '', domain: '', modelVersion: 0 },
  }
  let bytes = 0
  for (const file of sources.values()) bytes += file.size
  return { model, name: baseName(path), format: 'openvino', bytes, sources, notes: [] }
}
