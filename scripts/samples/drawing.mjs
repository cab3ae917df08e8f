// What the scripts that draw samples share: a canvas of a headless Chromium, with fonts of this machine, and zips with fixed dates. They are
// run by hand; the zips are kept, so that every machine has the same pixels whatever fonts it has.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { chromium } from 'playwright-core'
import { chromiumArgs, findChromium } from '../chromium.mjs'
import { root } from '../install.mjs'
import { importTypeScript } from './import-typescript.mjs'

export const { createRng } = await importTypeScript('src/base/rng.ts')
export const { lineTexts } = await importTypeScript('scripts/samples/lines/texts.ts')

/** Does `work` with a page, in which functions can draw. */
export async function drawing(work) {
  const executablePath = findChromium()
  if (!executablePath) throw new Error('Drawing needs a Chromium: install one, or set CHROMIUM to the path of one.')
  const browser = await chromium.launch({
    executablePath,
    args: [...chromiumArgs, '--disable-lcd-text', '--font-render-hinting=none'],
  })
  try {
    await work(await browser.newPage())
  } finally {
    await browser.close()
  }
}

/** Writes files as a zip of the sample. */
export function keep(sample, name, files) {
  const folder = join(root, 'public/samples', sample)
  mkdirSync(folder, { recursive: true })
  const zip = zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) })
  writeFileSync(join(folder, `${name}.zip`), zip)
  console.log(`${sample}/${name}.zip: ${Object.keys(files).length} files, ${zip.length} bytes`)
}

/** How a line looks: dark on light or light on dark, a font, a size, a slight turn. */
export function styleOf(text, rng, { latin, chinese }) {
  const tint = low => `rgb(${low + rng.below(40)}, ${low + rng.below(40)}, ${low + rng.below(40)})`
  const font = /[^\x20-\x7e]/.test(text) ? chinese : latin[rng.below(latin.length)]
  const [ink, paper] = rng.below(5) === 0 ? [tint(215), tint(20)] : [tint(0), tint(215)]
  return {
    text,
    font,
    ink,
    paper,
    size: 29 + rng.below(8),
    weight: rng.below(3) ? 400 : 700,
    turn: (rng.uniform() - 0.5) * 0.02,
  }
}

/** Runs in the page: one line, 48 pixels high and as wide as it needs, `most` at most, as a base64 PNG. */
export function drawLine({ text, font, ink, paper, size, weight, turn, most }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: most, height: 48 })
  const context = canvas.getContext('2d', { alpha: false })
  let points = size
  do context.font = `${weight} ${points--}px "${font}"`
  while (context.measureText(text).width > most - 16)
  const lettering = context.font
  const { width, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = context.measureText(text)
  canvas.width = Math.ceil(width) + 16
  context.font = lettering
  context.fillStyle = paper
  context.fillRect(0, 0, canvas.width, 48)
  context.fillStyle = ink
  context.translate(canvas.width / 2, 24)
  context.rotate(turn)
  context.fillText(text, -width / 2, (up - down) / 2)
  return canvas.toDataURL('image/png').split(',')[1]
}
