// Pictures of the page with the digit sample in it, in both languages, light and dark. `node scripts/screens.mjs [VIEW...]` writes every view as a
// screen shows it to docs/screens; with `--whole FOLDER` before the views, wide and narrow and as tall as what they hold, to look at.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { install, root } from './install.mjs'

install()
const { withSamplePage } = await import('./sample-page.mjs')

const wide = { width: 1280, height: 800 }
const narrow = { width: 390, height: 844 }
/** Other recipes beside the sample's own, so that there is something to compare; the last one trains. */
const ends = { first: { weights: 'int8', activations: 'uint8' } }
const others = [
  [{ do: 'quantize', activations: 'uint8', weights: 'int4' }],
  [{ do: 'quantize', activations: 'uint8', weights: 'int4', repairs: ['gptq'] }],
  [{ do: 'quantize', activations: 'uint8', weights: 'int6' }],
  [{ do: 'quantize', activations: 'uint8', weights: 'int3' }],
  [
    { do: 'quantize', activations: 'uint4', weights: 'int4', layers: ends },
    { do: 'qat', steps: 300, every: 20 },
  ],
]

const place = name => async page => {
  if (await page.locator('.no-project').count()) await page.locator('[data-testid^=open-]').first().click()
  await page.getByTestId(`place-${name}`).click()
  await page.locator(`.${name}-place h1`).waitFor()
}
const model = async page => {
  await place('model')(page)
  await page.waitForTimeout(800) // the graph is laid out and drawn
}
const version = (page, value) => page.locator(`.graph-tools input[value=${value}]`).check({ force: true })

/** How each view is come to. */
const views = {
  home: async page => {
    await page.locator('.mark').click()
    await page.locator('.place.home h1').waitFor()
  },
  model: async page => {
    await model(page)
    await version(page, 'original')
  },
  difference: async page => {
    await model(page)
    await version(page, 'difference')
    await page.getByTestId('count-added').waitFor()
    await page.waitForTimeout(800)
  },
  layer: async page => {
    await model(page)
    await version(page, 'quantized')
    const search = page.locator('#graph-search')
    await search.fill('/stem/Conv')
    await search.press('Enter')
    await page.getByTestId('output-sqnr').waitFor({ timeout: 60_000 })
    await page.getByTestId('output-sqnr').scrollIntoViewIfNeeded()
    await page.waitForTimeout(500)
  },
  data: place('data'),
  recipe: place('recipe'),
  run: place('run'),
  result: place('result'),
  training: async page => {
    await place('result')(page)
    await page.getByTestId('training-chart').scrollIntoViewIfNeeded()
  },
  charts: async page => {
    await place('result')(page)
    const curves = page.getByTestId('pruning-curves')
    if (!(await curves.count())) {
      await page.getByTestId('measure-sensitivity').click()
      await curves.waitFor({ timeout: 120_000 })
    }
    await page.getByTestId('rounding-curves').scrollIntoViewIfNeeded()
    await page.evaluate(() =>
      document.querySelector('[data-testid=rounding-curves]').scrollIntoView({ block: 'start' }),
    )
  },
  samples: async page => {
    await place('result')(page)
    const changed = page.getByTestId('changed-sample').first()
    if (!(await changed.count())) await page.getByTestId('look-through').click()
    await changed.waitFor({ timeout: 60_000 })
    await page.waitForTimeout(1500) // pictures
    await changed.scrollIntoViewIfNeeded()
  },
  compare: async page => {
    await place('compare')(page)
    await page.getByTestId('both-answers').waitFor()
    await page.getByTestId('look-at').selectOption({ index: 2 })
    await page.getByTestId('split').waitFor()
  },
  export: place('export'),
}

async function tryOthers(page) {
  for (const steps of others) {
    await page.getByTestId('place-recipe').click()
    const text = page.getByTestId('recipe-json')
    const recipe = JSON.parse(await text.inputValue())
    recipe.steps = recipe.steps.flatMap(step => (step.do === 'quantize' ? steps : step.do === 'qat' ? [] : [step]))
    await text.fill(JSON.stringify(recipe, null, 2))
    await page.waitForTimeout(1500) // what is typed is taken a moment later
    await page.getByTestId('place-run').click()
    await page.getByTestId('run-button').click()
    await page.getByTestId('report-top1-after').waitFor({ timeout: 240_000 })
  }
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

const given = process.argv.slice(2)
const tall = given[0] === '--whole'
const out = tall ? given[1] : join(root, 'docs/screens')
if (!out) throw new Error('Name the folder: node scripts/screens.mjs --whole FOLDER')
const wanted = given.slice(tall ? 2 : 0)
const unknown = wanted.filter(name => !(name in views))
if (unknown.length > 0) throw new Error(`There is no view ${unknown}; there are ${Object.keys(views).join(', ')}.`)
/** Whether Chinese letters are drawn as themselves; without a font for them all are the same box. */
const writesChinese = page =>
  page.evaluate(() => {
    const drawn = letter => {
      const canvas = new OffscreenCanvas(32, 32)
      const context = canvas.getContext('2d')
      context.font = `24px ${getComputedStyle(document.body).fontFamily}`
      context.fillText(letter, 2, 26)
      return context.getImageData(0, 0, 32, 32).data.join()
    }
    return drawn('中') !== drawn('文')
  })

await withSamplePage({ viewport: wide }, async page => {
  if (!(await writesChinese(page)))
    throw new Error('No font here has Chinese letters: install one, such as the package fonts-noto-cjk.')
  if (!tall && wanted.length === 0) rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  await tryOthers(page)
  for (const name of wanted.length > 0 ? wanted : Object.keys(views))
    for (const language of ['en', 'zh'])
      for (const theme of ['light', 'dark'])
        for (const viewport of tall ? [wide, narrow] : [wide]) {
          await page.setViewportSize(viewport)
          await page.getByTestId('language-switch').selectOption(language)
          await page.getByTestId('theme-switch').selectOption(theme)
          await views[name](page)
          await page.mouse.move(0, 0)
          await page.waitForTimeout(300)
          if (tall) await whole(page, viewport)
          const path = join(out, `${name}-${language}-${theme}${viewport === narrow ? '-narrow' : ''}.png`)
          await page.screenshot({ path, animations: 'disabled', scale: 'css' })
        }
})
console.log(`wrote pictures to ${out}`)
