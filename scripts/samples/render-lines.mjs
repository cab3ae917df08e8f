// Draws the lines of text that the text recogniser's sample reads, with fonts of this machine on a canvas of a headless
// Chromium, 48 pixels high and at most 320 wide, and packs them as zips of PNG with a labels.csv. Run by hand; the zips are kept, so
// that every machine has the same pixels whatever fonts it has. `node scripts/samples/render-lines.mjs`
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { chromium } from 'playwright-core'
import { chromiumArgs, findChromium } from '../chromium.mjs'
import { root } from '../install.mjs'
import { importTypeScript } from './import-typescript.mjs'

const calibration = 24
const evaluation = 40
const fonts = ['DejaVu Sans', 'DejaVu Serif', 'Liberation Sans', 'Liberation Serif', 'Noto Sans CJK SC']

/** How a line looks: dark on light or light on dark, a font, a size, a slight turn. */
function styleOf(text, rng) {
  const chinese = /[^\x20-\x7e]/.test(text)
  const font = chinese ? 'Noto Sans CJK SC' : fonts[rng.below(fonts.length)]
  const tint = low => `rgb(${low + rng.below(40)}, ${low + rng.below(40)}, ${low + rng.below(40)})`
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

/** Runs in the page: one line as a base64 PNG. */
function draw({ text, font, ink, paper, size, weight, turn }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 48 })
  const context = canvas.getContext('2d', { alpha: false })
  let points = size
  do context.font = `${weight} ${points--}px "${font}"`
  while (context.measureText(text).width > 304)
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

const { createRng } = await importTypeScript('src/base/rng.ts')
const { lineTexts } = await importTypeScript('scripts/samples/lines/texts.ts')
const executablePath = findChromium()
if (!executablePath)
  throw new Error('Drawing the lines needs a Chromium: install one, or set CHROMIUM to the path of one.')
const browser = await chromium.launch({
  executablePath,
  args: [...chromiumArgs, '--disable-lcd-text', '--font-render-hinting=none'],
})
try {
  const page = await browser.newPage()
  const taken = new Set()
  for (const [name, count] of Object.entries({ evaluation, calibration })) {
    const rng = createRng(7, `lines/${name}`)
    const files = {}
    let labels = 'file,text\n'
    for (const [i, text] of lineTexts(count, rng, taken).entries()) {
      const file = `line-${String(i).padStart(3, '0')}.png`
      files[file] = Buffer.from(await page.evaluate(draw, styleOf(text, rng)), 'base64')
      labels += `${file},${text}\n`
    }
    files['labels.csv'] = Buffer.from(labels)
    const folder = join(root, 'public/samples/text-lines')
    mkdirSync(folder, { recursive: true })
    const zip = zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) })
    writeFileSync(join(folder, `${name}.zip`), zip)
    console.log(`${name}.zip: ${count} lines, ${zip.length} bytes`)
  }
} finally {
  await browser.close()
}
