// Why did accuracy fall? Found out of a run of one’s own, kept with it, and one click takes the remedy up and runs again.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { go, openSample, result, run } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
})
afterAll(() => studio.close())

const gains = () => page.locator('[data-testid=remedies] tbody td:nth-child(3)').allTextContents()

test('of four bits, it names the layers by their share, and remedies by what they gave', async () => {
  await openSample(page, 'digits')
  await result(page)
  await go(page, 'recipe')
  await page.getByTestId('step-quantize').locator('.field:has(.name:text-is("Weights")) select').selectOption('int4')
  await go(page, 'result')
  // What was found would be of other settings than those that are shown.
  expect(await page.getByTestId('diagnose').isDisabled()).toBe(true)
  await run(page)
  await result(page)
  await page.getByTestId('diagnose').click()
  await page.getByTestId('remedies').waitFor({ timeout: 120_000 })
  const shares = await page.locator('[data-testid=blamed] .figure').allTextContents()
  const percents = shares.map(text => Number.parseFloat(text))
  expect(percents.length).toBeGreaterThan(0)
  expect(percents).toEqual([...percents].sort((a, b) => b - a))
  const found = (await gains()).map(text => Number.parseFloat(text.replace('−', '-')))
  expect(found).toEqual([...found].sort((a, b) => b - a))
  expect(found[0]).toBeGreaterThan(0)
})

test('it is still there when the page is opened again', async () => {
  const before = await gains()
  await page.reload()
  await page.getByTestId('remedies').waitFor()
  expect(await gains()).toEqual(before)
})

test('a remedy is taken up by one click, and the run shows what it gives', async () => {
  // The explanation of the term speaks of decibels too, before the figure.
  const sqnr = async (): Promise<number> => {
    const words = (await page.getByTestId('agreement').textContent())!
    return Number.parseFloat([...words.matchAll(/([\d.]+)\sdB/g)].at(-1)![1])
  }
  const before = await sqnr()
  await page.locator('[data-testid=remedies] tbody button.button').first().click()
  await page.getByTestId('remedies').waitFor({ state: 'detached' })
  await result(page)
  await expect.poll(sqnr, { timeout: 60_000 }).toBeGreaterThan(before)
  expect(await page.getByTestId('remedies').count()).toBe(0)
})
