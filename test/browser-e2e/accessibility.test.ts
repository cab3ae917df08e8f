// The page for everybody: axe-core finds nothing in any place, in both languages, light and dark; nothing scrolls sideways on a
// phone; and while a run is on, the main thread is free.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { longestTasks } from './main-thread.ts'
import { file } from './own-files.ts'
import { error, go, openSample, type Place, result } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const places: readonly Place[] = ['model', 'data', 'recipe', 'run', 'result', 'compare', 'export']

let studio: Studio
let page: Page
let longest: number[]
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
  await page.getByTestId('sample-digits').waitFor()
  longest = await longestTasks(page, async () => {
    await openSample(page, 'digits')
    await result(page)
  })
  // What is there only after a click is looked at as well.
  await page.getByTestId('look-through').click()
  await page.getByTestId('changed-count').waitFor()
  await page.evaluate(axe)
})
afterAll(() => studio.close())

const open = async (place: Place): Promise<void> => {
  await go(page, place)
  await page.locator(`.${place}-place h1`).waitFor()
  if (place === 'compare') await page.getByTestId('both-answers').waitFor()
  if (place === 'model') await page.getByTestId('lint-counts').waitFor()
}

/** What axe has against the page as it stands: rule and element. */
const violations = (): Promise<string[]> =>
  page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } }
    const found = await axe.run()
    return found.violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}`))
  })

const wear = async (language: string, theme: string): Promise<void> => {
  await page.getByTestId('language-switch').selectOption(language)
  await page.getByTestId('theme-switch').selectOption(theme)
}

describe.each([
  ['en', 'light'],
  ['en', 'dark'],
  ['zh', 'light'],
  ['zh', 'dark'],
])('in %s, %s', (language, theme) => {
  beforeAll(() => wear(language, theme))

  test('no place has anything that axe objects to', async () => {
    expect(await page.evaluate(() => document.documentElement.lang)).toMatch(new RegExp(`^${language}`))
    const found: Record<string, string[]> = {}
    for (const place of places) {
      await open(place)
      found[place] = await violations()
    }
    expect(found).toEqual(Object.fromEntries(places.map(place => [place, []])))
  })

  test('nor have the first page, an error, the palette and the words on the machine', async () => {
    await page.locator('.mark').click()
    await page.getByTestId('drop-zone').waitFor()
    const address = await page.locator('[data-testid^=open-]').first().getAttribute('data-testid')
    const found: Record<string, string[]> = { home: await violations() }
    await page
      .getByTestId('pick-model')
      .locator('input')
      .setInputFiles([file('no.onnx', Buffer.from('not a model'))])
    await error(page).waitFor()
    found.error = await violations()
    await error(page).getByRole('button').last().click()
    await page.keyboard.press('Control+k')
    await page.locator('dialog[open]').waitFor()
    found.palette = await violations()
    await page.keyboard.press('Escape')
    await page.getByTestId('machine').click()
    await page.locator('#machine dl').waitFor()
    found.machine = await violations()
    await page.keyboard.press('Escape')
    await page.getByTestId(address!).click()
    await page.getByTestId('place-model').waitFor()
    expect(found).toEqual({ home: [], error: [], palette: [], machine: [] })
  })
})

test.each(['en', 'zh'])('nothing scrolls sideways on a screen 360 pixels wide, in %s', async language => {
  await wear(language, 'light')
  await page.setViewportSize({ width: 360, height: 740 })
  const wide: string[] = []
  const look = async (name: string): Promise<void> => {
    const over = await page.evaluate(() =>
      [document.documentElement, document.querySelector('main')!].some(box => box.scrollWidth > box.clientWidth),
    )
    if (over) wide.push(name)
  }
  for (const place of places) {
    await open(place)
    await look(place)
  }
  const address = page.url()
  await page.locator('.mark').click()
  await page.getByTestId('drop-zone').waitFor()
  await look('home')
  await page.goto(address)
  await page.getByTestId('place-model').waitFor()
  await page.evaluate(axe)
  await page.setViewportSize({ width: 1280, height: 800 })
  expect(wide).toEqual([])
})

test('from the click on a sample to its result the main thread never works for 50 ms at a stretch', () => {
  console.log(
    `longest tasks of the main thread, ms: ${longest
      .slice(0, 5)
      .map(ms => ms.toFixed(1))
      .join(', ')}`,
  )
  expect(longest.length).toBeGreaterThan(100)
  expect(longest[0]).toBeLessThan(50)
})
