// Training on the page: its loss is drawn while it goes on and in the result; a tab closed in the middle goes on from where it was, and ends
// at the same loss, with the same bytes, as training that nothing broke off.
import type { Unzipped } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Trained } from '../../src/jobs/report.ts'
import { different, go, openSample, result, run, saveBundle, saveReport } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

// Long enough for a checkpoint on any machine; the recipe that the report resolves then has as many steps as this one took in that time.
const minutes = 0.4
const recipe = {
  thimble: 1,
  steps: [
    { do: 'optimize' },
    { do: 'quantize', weights: 'int4', activations: 'uint4', repairs: [] },
    { do: 'qat', minutes, every: 20, warmup: 10 },
    { do: 'evaluate' },
    { do: 'export', target: 'onnxruntime' },
  ],
}

let studio: Studio
beforeAll(async () => {
  studio = await openStudio()
})
afterAll(() => studio.close())

async function startTraining(page: Page, recipe: object): Promise<void> {
  await openSample(page, 'digits')
  await result(page)
  await go(page, 'recipe')
  await page.getByTestId('recipe-json').fill(JSON.stringify(recipe))
  await run(page)
}

/** Steps taken so far, by the status line. */
const stepsSaid = (page: Page): Promise<number | null> =>
  page.evaluate(all => {
    const said = document.querySelector('[data-testid=status-line]')?.textContent ?? ''
    const [, taken] = new RegExp(`(\\d+) of ${all}\\b`).exec(said) ?? []
    return taken === undefined ? null : Number(taken)
  }, trained.taken)

let whole: Unzipped
let trained: Trained
let resolved: object
test('the loss is drawn as it falls, and the weights that were best are kept', async () => {
  const { page } = studio
  await startTraining(page, recipe)
  const chart = page.getByTestId('training-chart')
  await chart.locator('path.curve').nth(1).waitFor({ timeout: 60_000 })
  expect(await chart.locator('path.curve').count()).toBe(2)
  await result(page)
  const { trained: all, steps } = await saveReport(page)
  ;[trained] = all
  expect(trained.best.loss).toBeLessThan(0.9 * trained.held[0].loss)
  resolved = { ...recipe, steps }
  whole = await saveBundle(page)
  await go(page, 'result')
  await chart.waitFor()
  expect(await chart.textContent()).toContain(`${trained.taken} steps`)
})

test('closed in the middle, it goes on from there to the same loss and the same bytes', async () => {
  const page = await studio.newPage()
  await page.goto(studio.url)
  await startTraining(page, resolved)
  // What has been reached is kept every few seconds.
  await expect.poll(() => stepsSaid(page), { timeout: 60_000, interval: 50 }).not.toBeNull()
  const first = Date.now()
  await expect.poll(async () => Date.now() - first > 7000 && (await stepsSaid(page)), { timeout: 30_000 }).toBeTruthy()
  await page.close()

  const again = await studio.newPage()
  await again.goto(studio.url)
  await again
    .getByRole('button', { name: /^Resume/ })
    .first()
    .click()
  await again.getByTestId('run-button').click()
  await expect.poll(() => stepsSaid(again), { timeout: 60_000, interval: 20 }).not.toBeNull()
  const from = (await stepsSaid(again))!
  expect(from).toBeGreaterThan(20)
  await again.getByTestId('training-chart').waitFor()
  await result(again)
  expect((await saveReport(again)).trained).toEqual([trained])
  expect(different(await saveBundle(again), whole)).toEqual([])
})

test('nothing of this was an error, and nothing left', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})
