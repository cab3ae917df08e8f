// Pictures of the page's places with the digit sample in them. `node scripts/screens.mjs` writes a few to docs/screens;
// `node scripts/screens.mjs --all FOLDER [PLACE...]` writes every place in both languages, light and dark, wide and narrow, whole.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { install, root } from './install.mjs'

install()
const { withSamplePage } = await import('./sample-page.mjs')

const places = ['home', 'model', 'data', 'recipe', 'run', 'result', 'compare', 'export']
const wide = { width: 1280, height: 800 }
const narrow = { width: 390, height: 844 }
/** Places with what is looked into there, as they are best seen. */
const few = [
  ['model', 'en', 'light', wide],
  ['recipe', 'en', 'dark', wide],
  ['result', 'zh', 'light', wide],
  ['compare', 'en', 'light', wide],
  ['compare', 'zh', 'dark', narrow],
]
/** Other recipes beside the sample's own, so that there is something to compare. */
const others = [{ weights: 'int4' }, { weights: 'int4', repairs: ['gptq'] }, { weights: 'int6' }, { weights: 'int3' }]

async function tryOthers(page) {
  for (const options of others) {
    await page.getByTestId('place-recipe').click()
    const text = page.getByTestId('recipe-json')
    const recipe = JSON.parse(await text.inputValue())
    recipe.steps = recipe.steps.map(step =>
      step.do === 'quantize' ? { do: 'quantize', activations: 'uint8', ...options } : step,
    )
    await text.fill(JSON.stringify(recipe, null, 2))
    await page.waitForTimeout(1500) // what is typed is taken a moment later
    await page.getByTestId('place-run').click()
    await page.getByTestId('run-button').click()
    await page.getByTestId('report-top1-after').waitFor({ timeout: 120_000 })
  }
}

async function show(page, place, language, theme, viewport) {
  await page.setViewportSize(viewport)
  await page.getByTestId('language-switch').selectOption(language)
  await page.getByTestId('theme-switch').selectOption(theme)
  if (place === 'home') await page.locator('.mark').click()
  else {
    if (await page.locator('.no-project').count()) await page.locator('[data-testid^=open-]').first().click()
    await page.getByTestId(`place-${place}`).click()
  }
  await page.locator(place === 'home' ? '.place.home h1' : `.${place}-place h1`).waitFor()
  if (place === 'model') await page.waitForTimeout(800) // the graph is laid out and drawn
  if (place === 'result' && (await page.getByTestId('look-through').count())) {
    await page.getByTestId('look-through').click()
    await page.getByTestId('changed-sample').first().waitFor({ timeout: 60_000 })
    await page.waitForTimeout(1500) // pictures
  }
  if (place === 'compare') {
    await page.getByTestId('both-answers').waitFor()
    await page.getByTestId('look-at').selectOption({ index: 2 })
    await page.getByTestId('split').waitFor()
  }
  await page.mouse.move(0, 0)
  await page.waitForTimeout(300)
}

/** The place as tall as what it holds, so that all of it is in one picture. */
async function whole(page, viewport) {
  const more = await page.evaluate(() => {
    const main = document.querySelector('main')
    return main.scrollHeight - main.clientHeight
  })
  if (more > 0) await page.setViewportSize({ ...viewport, height: viewport.height + more })
  await page.waitForTimeout(200)
}

const [flag, folder, ...wanted] = process.argv.slice(2)
if (flag === '--all' && !folder) throw new Error('Name the folder: node scripts/screens.mjs --all FOLDER')
const all = flag === '--all'
const out = all ? folder : join(root, 'docs/screens')
const shots = all
  ? (wanted.length > 0 ? wanted : places).flatMap(place =>
      ['en', 'zh'].flatMap(language =>
        ['light', 'dark'].flatMap(theme => [wide, narrow].map(size => [place, language, theme, size])),
      ),
    )
  : few
if (!all) rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
await withSamplePage({ viewport: wide }, async page => {
  await tryOthers(page)
  for (const [place, language, theme, viewport] of shots) {
    await show(page, place, language, theme, viewport)
    if (all || place === 'compare' || place === 'result') await whole(page, viewport)
    const size = viewport === narrow ? '-narrow' : ''
    await page.screenshot({
      path: join(out, `${place}-${language}-${theme}${size}.png`),
      animations: 'disabled',
      scale: 'css',
    })
  }
})
console.log(`wrote ${shots.length} pictures to ${out}`)
