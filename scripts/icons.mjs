// Draws the PNG icons from public/icon.svg with a Chromium. Run by hand when the drawing changes; the PNGs are kept.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findChromium } from './chromium.mjs'
import { root } from './install.mjs'

const svg = readFileSync(join(root, 'public/icon.svg'), 'utf8')
// A maskable icon is cut to any shape: its ground fills the square, and its drawing stays within the middle 80 %.
const maskable = svg
  .replace('rx="96"', '')
  .replace('<path', '<g transform="translate(51.2 51.2) scale(.8)"><path')
  .replace('</svg>', '</g></svg>')

const browser = await chromium.launch({ executablePath: findChromium() ?? undefined, args: ['--no-sandbox'] })
const page = await browser.newPage()
for (const [name, drawing, size] of [
  ['icon-192', svg, 192],
  ['icon-512', svg, 512],
  ['icon-maskable-512', maskable, 512],
]) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px}</style>${drawing}`)
  await page.screenshot({ path: join(root, 'public', `${name}.png`), omitBackground: true })
}
await browser.close()
