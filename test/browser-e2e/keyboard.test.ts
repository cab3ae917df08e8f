// The whole job without a mouse: from the first page to a saved bundle, through every place, by keys alone.
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { result } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
})
afterAll(() => studio.close())

const most = 300

/** Goes on with Tab until that has the focus. */
async function tabTo(wanted: Locator): Promise<void> {
  await wanted.waitFor()
  for (let presses = 0; presses < most; presses++) {
    if (await wanted.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${most} times Tab did not come to ${wanted}`)
}

async function press(wanted: Locator, key = 'Enter'): Promise<void> {
  await tabTo(wanted)
  await page.keyboard.press(key)
}

async function open(key: number, place: string): Promise<void> {
  await page.keyboard.press(String(key))
  await page.locator(`.${place}-place h1`).waitFor()
}

test('a sample is run, its samples and layers are looked through, another recipe is run beside it, and a bundle is saved', async () => {
  await press(page.getByTestId('sample-digits'))
  await result(page)
  await press(page.getByTestId('look-through'))
  await page.getByTestId('changed-count').waitFor()

  await open(2, 'data')
  await press(page.getByLabel('Next sample'))
  await page.getByText('Sample 2 of 256').waitFor()

  await open(3, 'recipe')
  const weights = page.locator('.field:has(.name:text-is("Weights")) select').first()
  await tabTo(weights)
  await page.keyboard.type('int4')
  // The form is written anew by every change, and the field keeps the focus.
  expect(await weights.inputValue()).toBe('int4')
  await press(page.getByTestId('place-run'))
  await press(page.getByTestId('run-button'))
  await result(page)

  await press(page.getByTestId('place-compare'))
  await press(page.locator('.field:has(.name:text-is("Shown")) select'), 'ArrowDown')
  const split = page.getByTestId('split')
  await tabTo(split)
  const before = await split.inputValue()
  await page.keyboard.press('ArrowRight')
  expect(await split.inputValue()).not.toBe(before)

  await press(page.getByTestId('place-export'))
  const saved = page.waitForEvent('download')
  await press(page.getByTestId('save-bundle-onnxruntime'))
  expect((await saved).suggestedFilename()).toMatch(/\.zip$/)
})
