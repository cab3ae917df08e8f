// The graph as a person uses it: searched, folded and walked through by the keyboard alone, clicked, coloured by other figures, and
// laid against the original; for everybody, as axe-core sees it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { go, openSample, result } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
  await page.getByTestId('sample-digits').waitFor()
  await openSample(page, 'digits')
  await result(page)
  await go(page, 'model')
  await canvas().waitFor()
})
afterAll(() => studio.close())

const canvas = () => page.locator('.graph-canvas')
const path = () => page.locator('.graph-path')
const said = async (): Promise<string> => (await page.getByTestId('graph-spoken').textContent()) ?? ''
const says = (text: RegExp) => expect.poll(said).toMatch(text)
const press = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key)
}
const version = (value: string) => page.locator(`.graph-tools input[value=${value}]`).check({ force: true })
const count = async (change: string): Promise<number> =>
  Number.parseInt((await page.getByTestId(`count-${change}`).textContent())!.replace(/\D+/g, ''), 10)

/** What axe has against the graph's panel as it stands. */
async function violations(): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(within: string): Promise<AxeResults> } }
    const found = await axe.run('.graph-panel')
    return found.violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}`))
  })
}

test('by the keyboard alone a layer is found, one after the other, and its group folded and opened', async () => {
  await press('/')
  await page.locator('#graph-search:focus').waitFor()
  await page.keyboard.type('conv block')
  await press('Enter')
  expect(await page.getByTestId('graph-found').textContent()).toBe('1 of 2')
  await says(/^Conv \/block\/first\/Conv selected/)
  await press('Enter')
  await says(/\/block\/second\/Conv selected/)
  await canvas().focus()
  await press('Backspace')
  await says(/^block 7 nodes selected/)
  expect(await page.getByTestId('group-facts').textContent()).toMatch(/7 nodes · .*MACs · .*B/)
  await press('ArrowDown')
  await says(/\/spread\/Conv/)
  await press('ArrowUp', 'Enter')
  await says(/\/block\/first\/Conv selected/)
})

test('a selection in a folded group is shown on it, and search opens what it needs', async () => {
  await canvas().focus()
  await press('[')
  await says(/^block 7 nodes selected/)
  await page.locator('#graph-search').fill('look relu')
  await press('Enter')
  await says(/^Relu \/look\/Relu selected/)
  expect(await path().textContent()).toContain('− look')
  // Only what was needed is open.
  await canvas().focus()
  await press('Home', 'ArrowDown')
  await says(/^stem 3 nodes selected/)
})

test('a click on a folded group that is selected opens it, and one on its name in the path folds it', async () => {
  await press('c')
  const box = (await canvas().boundingBox())!
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
  await says(/\/stem\/Conv selected/)
  await path().getByRole('button', { name: '− stem' }).click()
  await says(/^stem 3 nodes selected/)
})

test('colours can be by other figures, with their units in the legend and the figure beside each colour in the table', async () => {
  const choices = await page.getByTestId('colour-by').locator('option').allTextContents()
  expect(choices).toEqual(['none', 'SQNR', 'Weights', 'MACs', 'Bits'])
  await page.getByTestId('colour-by').selectOption('bytes')
  expect(await page.getByTestId('graph-legend').textContent()).toMatch(/\d.B.*\d.kB/s)
  await page.locator('#graph-search').fill('')
  await version('table')
  const cell = page.locator('.graph-panel tbody tr:has-text("/stem/Conv") td:has(.swatch)').first()
  expect(await cell.textContent()).toMatch(/\d.(k?)B/)
  expect(await violations()).toEqual([])
  await version('graph')
})

test('the difference counts what was kept, changed, added and removed, in the picture and in the table', async () => {
  await version('difference')
  await page.getByTestId('count-added').waitFor()
  const counts = Object.fromEntries(
    await Promise.all(['kept', 'changed', 'added', 'removed'].map(async change => [change, await count(change)])),
  )
  // Dropout and Identity are gone, and the chain of shapes in front of the classifier; Q and DQ have come.
  expect(counts.removed).toBeGreaterThanOrEqual(2)
  expect(counts.added).toBeGreaterThanOrEqual(10)
  expect(counts.changed).toBeGreaterThanOrEqual(7)
  expect(await violations()).toEqual([])
  await version('table')
  await page.locator('#graph-search').fill('/classify/Dropout')
  const row = page.locator('.graph-panel tbody tr:has(button)')
  expect(await row.count()).toBe(1)
  expect(await row.textContent()).toContain('− removed')
  await page.locator('#graph-search').fill('/stem/Conv')
  expect(await page.locator('.graph-panel tbody tr:has-text("changed")').textContent()).toMatch(
    /Conv \+ BatchNormalization.* → Conv, .*B → .*B/s,
  )
  await page.locator('#graph-search').fill('')
  await version('graph')
})

test('the minimap moves the camera, and is not there on a phone', async () => {
  await canvas().focus()
  await press(']', '0')
  const window = page.locator('.minimap .window')
  await window.waitFor()
  const top = () => window.evaluate(box => box.getBoundingClientRect().top)
  const before = await top()
  const map = (await page.locator('.minimap').boundingBox())!
  await page.mouse.move(map.x + 30, map.y + 30)
  await page.mouse.down()
  await page.mouse.move(map.x + 30, map.y + map.height - 20, { steps: 4 })
  await page.mouse.up()
  await expect.poll(top).toBeGreaterThan(before + 40)
  await page.setViewportSize({ width: 390, height: 844 })
  expect(await page.locator('.minimap').isVisible()).toBe(false)
  await page.setViewportSize({ width: 1280, height: 800 })
})

test.each([
  ['zh', 'dark'],
  ['en', 'dark'],
  ['zh', 'light'],
])('axe objects to nothing in %s, %s, with a group selected', async (language, theme) => {
  await page.getByTestId('language-switch').selectOption(language)
  await page.getByTestId('theme-switch').selectOption(theme)
  await canvas().focus()
  await press('[', 'Home', 'ArrowDown', 'ArrowDown', 'ArrowDown')
  expect(await violations()).toEqual([])
})

test('nothing went wrong on the way, and nothing was sent', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})
