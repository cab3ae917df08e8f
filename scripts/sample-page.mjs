// The built site in a headless Chromium with the digit sample run in it, as a person would: what pictures are taken of.
import { chromium } from 'playwright-core'
import { buildSite } from './build.mjs'
import { chromiumArgs, findChromium } from './chromium.mjs'
import { serve, siteFolder } from './serve.mjs'

/** Lends `use` the page with the sample's result on it; `options` are those of a new page. */
export async function withSamplePage(options, use) {
  const executablePath = findChromium()
  if (!executablePath) throw new Error('Pictures need a Chromium: install one, or set CHROMIUM to the path of one.')
  await buildSite()
  const server = await serve(siteFolder)
  const browser = await chromium.launch({ executablePath, args: chromiumArgs })
  try {
    const page = await browser.newPage({ locale: 'en', ...options })
    await page.addInitScript(() => localStorage.setItem('thimble.tour', 'start stays commands places run'))
    await page.goto(server.url)
    await page.getByTestId('sample-digits').click({ timeout: 60_000 })
    const result = page.getByTestId('report-top1-after')
    const failure = page.getByTestId('error-panel')
    await result.or(failure).first().waitFor({ timeout: 300_000 })
    if (await failure.isVisible()) throw new Error(`The sample failed: ${await failure.textContent()}`)
    console.log(`top-1 after quantisation: ${await result.textContent()}`)
    await page.evaluate(() => document.fonts.ready)
    await use(page)
  } finally {
    await browser.close()
    await server.close()
  }
}
