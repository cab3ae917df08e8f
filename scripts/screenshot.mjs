// The README's picture: builds the site, serves it, lets a headless Chromium do the digit sample's whole job as a person would, and
// photographs the result. `node scripts/screenshot.mjs [file] [light|dark]`
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { install, root } from './install.mjs'

install()
const { chromium } = await import('playwright-core')
const { buildSite } = await import('./build.mjs')
const { chromiumArgs, findChromium } = await import('./chromium.mjs')
const { serve, siteFolder } = await import('./serve.mjs')

const [file = join(root, 'docs/screenshot.png'), colorScheme = 'light'] = process.argv.slice(2)
const executablePath = findChromium()
if (!executablePath) throw new Error('The picture needs a Chromium: install one, or set CHROMIUM to the path of one.')

await buildSite()
const server = await serve(siteFolder)
const browser = await chromium.launch({ executablePath, args: chromiumArgs })
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme, locale: 'en' })
  await page.goto(server.url)
  await page.getByTestId('sample-digits').click({ timeout: 60_000 })
  const result = page.getByTestId('report-top1-after')
  const failure = page.getByTestId('error-panel')
  await result.or(failure).first().waitFor({ timeout: 300_000 })
  if (await failure.isVisible()) throw new Error(`The sample failed: ${await failure.textContent()}`)
  console.log(`top-1 after quantisation: ${await result.textContent()}`)
  await page.evaluate(() => document.fonts.ready)
  await page.mouse.move(0, 0)
  mkdirSync(dirname(file), { recursive: true })
  await page.screenshot({ path: file, animations: 'disabled' })
  console.log(`wrote ${file}`)
} finally {
  await browser.close()
  await server.close()
}
