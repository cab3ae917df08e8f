// Image codecs in the browser: modules fetched from the page's own origin.

import jpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?url'
import png from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm?url'
import webp from '@jsquash/webp/codec/dec/webp_dec.wasm?url'
import { StudioError } from '../../base/errors.ts'
import { type Codecs, createCodecs } from '../../data/codecs.ts'

const urls = { png, jpeg, webp }

/** Codecs for the page's workers. */
export const browserCodecs = (): Codecs =>
  createCodecs(async name => {
    const response = await fetch(urls[name])
    if (!response.ok)
      throw new StudioError('missing-file', `The ${name} codec of the studio could not be loaded.`, {
        where: { file: urls[name] },
        hint: 'Open the page once with the network on, so that it is kept for offline use.',
      })
    return new Uint8Array(await response.arrayBuffer())
  })
