// What a person tries is kept: findings of a target before anything runs, steps back and forth through the recipe, a variant for
// every run, with names, recipes, figures side by side, and a way back from deleting.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { classifier, written } from './own-files.ts'
import { go, openSample, result, run } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
})
afterAll(() => studio.close())

const rows = () => page.getByTestId('variant-row')
const names = () => page.locator('[data-testid=variant-row] th .link').allTextContents()
const recipe = async () => JSON.parse(await page.getByTestId('recipe-json').inputValue())

/** The first option of the quantising step set through its control. */
async function setWeights(format: string): Promise<void> {
  await go(page, 'recipe')
  await page.getByTestId('step-quantize').locator('.field:has(.name:text-is("Weights")) select').selectOption(format)
  await expect.poll(async () => JSON.stringify(await recipe())).toContain(`"weights":"${format}"`)
}

test('a target’s findings are there before anything runs, each a click away from its layer in the graph', async () => {
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier('mine.onnx'))
  await page.getByTestId('lint-counts').waitFor()
  await page.getByTestId('lint-target').selectOption('nnie')
  const finding = page.locator('.lint-table tbody tr').first()
  await finding.waitFor()
  expect((await finding.locator('.source').textContent())?.trim()).not.toBe('')
  const node = await finding.locator('button.mono').first().textContent()
  await finding.locator('button.mono').first().click()
  await page.locator('.inspector .name').filter({ hasText: node! }).waitFor()
})

test('what a target refuses is said before the run, and a click leaves it out of the graph', async () => {
  const graph = `
graph (x: f32[1,3,8,8]) -> (y) {
  c = Conv(x, w: f32[4,3,3,3]{-0.4..0.4}, b: f32[4]{-0.1..0.1}) {pads=[1,1,1,1]}
  r = Relu(c)
  y = NonZero(r)
}`
  await page.locator('.mark').click()
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await written('head.onnx', graph))
  await page.getByTestId('lint-counts').waitFor()
  await go(page, 'recipe')
  await page.getByTestId('step-export').locator('.field:has(.name:text-is("Target")) select').selectOption('caffe')
  await expect.poll(async () => JSON.stringify(await recipe())).toContain('caffe')
  await go(page, 'run')
  await page.getByTestId('refused').getByRole('button').click()
  const refused = page.locator('.lint-table tr[data-level=refused]')
  await refused.waitFor()
  expect(await refused.textContent()).toContain('NonZero')
  await refused.getByRole('button', { name: 'End the graph before it' }).click()
  await refused.waitFor({ state: 'detached' })
  await go(page, 'recipe')
  expect((await recipe()).steps[0]).toEqual({ do: 'cut', outputs: ['r'] })
})

test('two runs are two variants, named after what their recipes do', async () => {
  await page.locator('.mark').click()
  await openSample(page, 'digits')
  await result(page)
  await setWeights('int4')
  await go(page, 'result')
  await page.getByTestId('stale').waitFor()
  await run(page)
  await result(page)
  await page.getByTestId('stale').waitFor({ state: 'detached' })
  await go(page, 'compare')
  await expect.poll(names).toEqual(['int8/uint8', 'int4/uint8'])
})

test('undo goes back to the recipe before, whose result is there again; redo comes forth; both outlive a reload', async () => {
  await go(page, 'recipe')
  await page.locator('.recipe-place h1').click()
  await page.keyboard.press('Control+z')
  await expect.poll(async () => JSON.stringify(await recipe())).not.toContain('int4')
  await page.reload()
  await page.getByTestId('redo').waitFor()
  await go(page, 'result')
  expect(await page.getByTestId('stale').count()).toBe(0)
  expect(await page.getByTestId('variant').inputValue()).toBe(await variantNamed('int8/uint8'))
  await go(page, 'recipe')
  await page.getByTestId('redo').click()
  await expect.poll(async () => JSON.stringify(await recipe())).toContain('int4')
  expect(await page.getByTestId('redo').isDisabled()).toBe(true)
})

const variantNamed = (name: string): Promise<string | null> =>
  page.getByTestId('variant').locator('option', { hasText: name }).first().getAttribute('value')

test('typing in a field keeps the field’s own undo', async () => {
  await go(page, 'recipe')
  const text = page.getByTestId('recipe-json')
  const before = JSON.stringify(await recipe())
  await text.focus()
  await page.keyboard.press('Control+z')
  expect(JSON.stringify(await recipe())).toBe(before)
})

test('two variants stand side by side, every figure twice with its change', async () => {
  await go(page, 'compare')
  const two = page.getByTestId('two')
  await two.getByTestId('left').selectOption({ label: 'int8/uint8' })
  await two.getByTestId('right').selectOption({ label: 'int4/uint8' })
  expect(await two.locator('thead th').allTextContents()).toEqual(['Result', 'int8/uint8', 'int4/uint8', 'Change'])
  const size = await two.locator('tbody tr', { hasText: 'Size' }).locator('td').allTextContents()
  const [eight, four] = size.slice(0, 2).map(text => Number.parseFloat(text))
  expect(four!).toBeLessThan(eight!)
  expect(size[2]).toMatch(/^−\d+/)
})

test('the chart has a point for the original and each variant, and one is opened from the keyboard', async () => {
  const points = page.getByTestId('chart').locator('.point')
  expect(await points.count()).toBe(3)
  const four = points.filter({ has: page.locator('xpath=self::*[contains(@aria-label, "int4")]') })
  expect(await four.getAttribute('aria-label')).toMatch(/Accuracy 9\d\.\d.*Size [\d.]+.kB/)
  await four.focus()
  await page.keyboard.press('Enter')
  await page.locator('.result-place h1').waitFor()
  expect(await page.getByTestId('variant').inputValue()).toBe(await variantNamed('int4/uint8'))
})

test('the answers that changed are as many as the report says, each with its picture, and the table counts them all', async () => {
  await go(page, 'result')
  const facts = await page.getByTestId('agreement').locator('dd').allTextContents()
  const same = Number.parseFloat(facts[0]!)
  await page.getByTestId('look-through').click()
  const words = await page.getByTestId('changed-count').textContent()
  const changed = words!.includes('changed') ? Number.parseInt(words!, 10) : 0
  expect(changed).toBe(Math.round(1000 * (1 - same / 100)))
  expect(changed).toBeGreaterThan(0)
  await page.getByTestId('changed-sample').first().locator('canvas').waitFor()
  const cells = await page.getByTestId('confusion').locator('tbody td').allTextContents()
  const counts = cells.map(text => Number.parseInt(text, 10) || 0)
  expect(counts.reduce((a, b) => a + b)).toBe(1000)
  const right = counts.filter((_, k) => k % 11 === 0).reduce((a, b) => a + b)
  expect((right / 10).toFixed(2)).toBe(
    (await page.getByTestId('report-top1-after').textContent())!.replace('%', '').trim(),
  )
})

test('both models are seen on one sample: a layer under the slider, and both answers', async () => {
  await go(page, 'compare')
  await page.getByTestId('right').selectOption({ label: 'int4/uint8' })
  await page.getByTestId('left').selectOption('original')
  await page.getByTestId('both-answers').waitFor()
  const answer = await page.getByTestId('both-answers').locator('dd').first().textContent()
  expect(answer).toMatch(/^\d /)
  await page.getByTestId('look-at').selectOption({ label: 'Relu /halve/Relu' })
  const split = page.getByTestId('split')
  await split.focus()
  await page.keyboard.press('Home')
  expect(await page.locator('.slider .over').evaluate(element => element.style.clipPath)).toBe('inset(0px 0px 0px 0%)')
  const words = await page.getByTestId('apart').textContent()
  expect(Number.parseFloat(words!)).toBeGreaterThan(5)
  expect(Number.parseFloat(words!)).toBeLessThan(60)
  expect(await page.getByTestId('scores').locator('tbody tr').count()).toBeGreaterThanOrEqual(5)
  expect(await page.getByTestId('channel').locator('option').count()).toBe(17)
})

test('a variant gets another name, lends its recipe, and comes back after it was deleted', async () => {
  await go(page, 'compare')
  await rows()
    .first()
    .getByRole('button', { name: /^Rename/ })
    .click()
  await page.getByTestId('variant-name').fill('the careful one')
  await page.keyboard.press('Enter')
  await expect.poll(names).toEqual(['the careful one', 'int4/uint8'])
  await rows().first().getByRole('button', { name: 'Use its recipe' }).click()
  await page.locator('.recipe-place h1').waitFor()
  expect(JSON.stringify(await recipe())).not.toContain('int4')

  await go(page, 'compare')
  await rows()
    .nth(1)
    .getByRole('button', { name: /^Remove/ })
    .click()
  await expect.poll(names).toEqual(['the careful one'])
  await page.getByTestId('deleted').getByRole('button', { name: 'Undo' }).click()
  await expect.poll(names).toEqual(['the careful one', 'int4/uint8'])
  await rows()
    .nth(1)
    .getByRole('button', { name: /^Remove/ })
    .click()
  await expect.poll(names).toEqual(['the careful one'])
  await page.reload()
  await rows().first().waitFor()
  expect(await names()).toEqual(['the careful one'])
})

test('nothing of this was an error, and nothing left', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})
