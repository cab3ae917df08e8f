// ncnn: a .param with the layers, as text or binary, and a .bin with the weights.

import type { ByteSource, FileSet } from '../base/bytes.ts'
import { text } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import type { Importer } from './types.ts'

const isParam = (path: string): boolean => /\.param(\.bin)?$/i.test(path)

export const ncnn: Importer = {
  id: 'ncnn',
  label: 'ncnn',
  extensions: ['.param', '.bin'],
  probe: async files => {
    let best = 0
    for (const [path, source] of files) if (await beginsAsParam(source)) best = Math.max(best, isParam(path) ? 1 : 0.8)
    return best
  },
  read: async (files, main) => {
    const { param, bin } = await pairOf(files, main)
    const { readNcnn } = await import('./ncnn/read.ts')
    return readNcnn(files, param, bin)
  },
}

async function beginsAsParam(source: ByteSource): Promise<boolean> {
  const head = await source.read(0, Math.min(16, source.size))
  // 7767517 in text, or as a little-endian word.
  return /^\s*7767517\s/.test(text(head)) || (head[0] === 0xdd && head[1] === 0x85 && head[2] === 0x76 && head[3] === 0)
}

/** The .param to read and the .bin that goes with it: the one of the same name, or the only one. */
async function pairOf(files: FileSet, main: string | undefined): Promise<{ param: string; bin: string }> {
  const params: string[] = []
  for (const [path, source] of files) if (await beginsAsParam(source)) params.push(path)
  const others = [...files.keys()].filter(path => !params.includes(path))
  const stem = (path: string): string => path.replace(/(\.param\.bin|\.[^./]*)$/i, '')
  const ofMain = params.filter(path => path === main || (main !== undefined && stem(path) === stem(main)))
  const param = ofMain[0] ?? (params.length === 1 ? params[0] : null)
  if (param === null)
    throw new StudioError('usage', `There are ${params.length} ncnn networks: ${params.join(', ')}`, {
      where: { file: params[0] },
      hint: 'Open one of them, with its .bin.',
    })
  const named = others.filter(path => stem(path) === stem(param) && /\.bin$/i.test(path))
  const bins = others.filter(path => /\.bin$/i.test(path))
  const bin = named[0] ?? (bins.length === 1 ? bins[0] : null)
  if (bin === null)
    throw new StudioError('missing-file', `The weights of ${param} are not here: its .bin is missing`, {
      where: { file: param },
      hint: `Open ${stem(param)}.bin together with ${param}, or open the folder that holds both.`,
    })
  return { param, bin }
}
