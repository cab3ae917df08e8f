// Caffe: a .prototxt with the layers, as text, and a .caffemodel with the weights.
import { type ByteSource, type FileSet, text } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import type { Importer } from './types.ts'

const headLength = 4096
const isPrototxt = (path: string): boolean => /\.(prototxt|pbtxt)$/i.test(path)
const isCaffemodel = (path: string): boolean => /\.caffemodel$/i.test(path)

export const caffe: Importer = {
  id: 'caffe',
  label: 'Caffe',
  extensions: ['.prototxt', '.caffemodel'],
  probe: async files => {
    let best = 0
    for (const [path, source] of files) {
      if (isCaffemodel(path)) best = 1
      else if (isPrototxt(path)) best = Math.max(best, (await readsAsNet(source)) ? 1 : 0.5)
      else if (/\.txt$/i.test(path) && (await readsAsNet(source))) best = Math.max(best, 0.6)
    }
    return best
  },
  read: async (files, main) => {
    const { prototxt, caffemodel } = await pairOf(files, main)
    const { readCaffe } = await import('./caffe/read.ts')
    return readCaffe(files, prototxt, caffemodel)
  },
}

/** Whether the first lines have a layer or an input. */
async function readsAsNet(source: ByteSource): Promise<boolean> {
  const head = text(await source.read(0, Math.min(headLength, source.size)))
  return /^\s*(layers?\s*:?\s*\{|input\s*:\s*")/m.test(head)
}

const stem = (path: string): string => path.replace(/\.[^./]*$/, '')

/** The text and the weights: those of one name, or the only ones. */
async function pairOf(files: FileSet, main: string | undefined): Promise<{ prototxt: string; caffemodel: string }> {
  const texts: string[] = []
  for (const [path, source] of files)
    if (path === main ? !isCaffemodel(path) : isPrototxt(path) && (await readsAsNet(source))) texts.push(path)
  const models = [...files.keys()].filter(isCaffemodel)
  const one = (kind: string, paths: readonly string[], beside: string | undefined): string | null => {
    const own = paths.find(path => path === main)
    const alike = paths.filter(path => beside !== undefined && stem(path) === stem(beside))
    if (own ?? alike[0]) return own ?? alike[0]
    if (paths.length <= 1) return paths[0] ?? null
    throw new StudioError('usage', `There are ${paths.length} files of ${kind}: ${paths.join(', ')}`, {
      where: { file: paths[0] },
      hint: 'Open one network: a .prototxt and its .caffemodel.',
    })
  }
  const caffemodel = one('Caffe weights', models, main ?? (texts.length === 1 ? texts[0] : undefined))
  const prototxt = one('Caffe layers', texts, caffemodel ?? main)
  if (prototxt === null || caffemodel === null) {
    const [there, missing] = prototxt === null ? [caffemodel!, 'prototxt'] : [prototxt, 'caffemodel']
    throw new StudioError('missing-file', `${there} is half of a Caffe network: its .${missing} is missing`, {
      where: { file: there },
      hint: `Open ${stem(there)}.${missing} together with ${there}, or open the folder that holds both.`,
    })
  }
  return { prototxt, caffemodel }
}
