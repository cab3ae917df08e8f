// What charts say and how they are read: memory node by node, what layers can bear, how fast they are; a wish that becomes a recipe, and
// the estimate before a run. All of it by the keyboard too, and with nothing that axe objects to.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { go, openSample, type Place, result, run, saveReport } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
  await openSample(page, 'digits')
  await result(page)
})
afterAll(() => studio.close())

/** The lines of what a chart's button saves. */
async function csvOf(panel: Locator): Promise<string[][]> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'CSV' }).first().click(),
  ])
  const text = readFileSync(await download.path(), 'utf8')
  return text
    .trim()
    .split('\r\n')
    .map(line => line.split(','))
}

const reading = (chart: Locator): Promise<string | null> =>
  chart.locator('input[type=range]').getAttribute('aria-valuetext')

/** Goes to the chart by the keyboard and a few points on; what was read on the way. */
async function readOn(chart: Locator, steps: number): Promise<(string | null)[]> {
  await chart.locator('input[type=range]').focus()
  await page.keyboard.press('Home')
  const read = [await reading(chart)]
  for (let k = 0; k < steps; k++) {
    await page.keyboard.press('ArrowRight')
    read.push(await reading(chart))
  }
  return read
}

test('memory: the peak is the report’s, before and after, and the arrow keys read node after node', async () => {
  const report = await saveReport(page)
  await go(page, 'result')
  const panel = page.getByTestId('memory')
  const charts = panel.locator('.chart')
  await charts.nth(1).waitFor()
  expect(await charts.count()).toBe(2)
  const rows = await csvOf(panel)
  expect(rows[0]).toEqual(['node', 'side', 'position', 'op', 'liveBytes', 'largest'])
  const most = (side: string): number => Math.max(...rows.filter(row => row[1] === side).map(row => Number(row[4])))
  expect(most('Before')).toBe(report.before.peakActivationBytes)
  expect(most('After')).toBe(report.after!.peakActivationBytes)
  const read = await readOn(charts.first(), 3)
  expect(new Set(read).size).toBe(4)
  expect(read[0]).toMatch(/^1 .*kB$/)
  expect(await panel.getByTestId('alive').first().locator('li').count()).toBeGreaterThan(0)
  const node = read[3]!.split(',')[0]!.replace(/^\d+ /, '')
  expect(await panel.getByTestId('alive').first().locator('h3').textContent()).toContain(node)
})

test('the open model shows its memory before anything runs, and its table has a row for every node', async () => {
  await go(page, 'model')
  const panel = page.getByTestId('memory')
  await panel.locator('label', { hasText: 'Table' }).click()
  const rows = Number(await panel.locator('table').getAttribute('aria-rowcount')) - 1
  expect((await csvOf(panel)).length - 1).toBe(rows)
  expect(rows).toBeGreaterThan(15)
})

test('what layers can bear is measured, kept, and falls with the bits', async () => {
  await go(page, 'result')
  await page.getByTestId('measure-sensitivity').click()
  const rounding = page.getByTestId('rounding-curves')
  await rounding.waitFor({ timeout: 180_000 })
  const [head, ...rows] = await csvOf(rounding)
  expect(head).toEqual(['node', 'op', 'parameters', 'int8', 'int7', 'int6', 'int5', 'int4', 'int3', 'int2'])
  expect(rows.length).toBe(8)
  for (const row of rows) expect(Number(row[3])).toBeGreaterThan(Number(row[9]) + 10)
  const [first, second] = await readOn(rounding.locator('.chart'), 1)
  expect(first).toMatch(/int8.*dB$/)
  expect(second).toMatch(/int7.*dB$/)
  // The worst on top, as its name at the end of its line says.
  expect(first!.split(',')[0]).toBe(rows[0]![0])
  expect((await csvOf(page.getByTestId('pruning-curves')))[0]).toEqual(['node', 'channels', 'gone', 'sqnrDb'])
  await page.reload()
  await rounding.waitFor()
})

test('latency is measured here and estimated for a chip, and each layer lies under the roof that was measured', async () => {
  await page.getByTestId('chip').selectOption('orin-nano-8gb')
  const latency = page.getByTestId('latency')
  await latency.locator('.bar.estimate').waitFor()
  expect(await latency.locator('.bar').count()).toBe(3)
  expect(await latency.locator('.bar.estimate').textContent()).toMatch(/estimate .*(µs|ms)/)
  await page.getByTestId('measure-speed').click()
  const roofline = page.getByTestId('roofline')
  await roofline.waitFor({ timeout: 180_000 })
  const [head, ...rows] = await csvOf(roofline)
  const share = head!.indexOf('shareOfRoof')
  expect(rows.length).toBe(16)
  for (const row of rows) {
    expect(Number(row[share])).toBeGreaterThan(0)
    expect(Number(row[share])).toBeLessThan(3)
  }
  await roofline.locator('label', { hasText: 'Jetson' }).click()
  expect((await readOn(roofline.locator('.chart'), 1))[1]).toContain('estimate')
})

test('the compare place has a bar for the original and for each result', async () => {
  await go(page, 'compare')
  await page.getByTestId('latencies').waitFor()
  expect(await page.getByTestId('latencies').locator('.bar').count()).toBe(2)
  expect((await csvOf(page.getByTestId('latencies'))).length).toBe(3)
})

test('a wish becomes a recipe; an estimate is there before the run, and what was tried after it', async () => {
  await go(page, 'recipe')
  await page.getByTestId('wish-kind').selectOption('bytes')
  await page.getByTestId('wish').locator('input').fill('30')
  await page.getByTestId('wish-write').click()
  await expect.poll(() => page.getByTestId('recipe-json').inputValue()).toContain('"bytes": 30000')
  await go(page, 'run')
  await page.getByTestId('forecast-button').click()
  await page.getByTestId('forecast').waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('forecast').textContent()).toMatch(
    /Estimate: about .* 3\smin\s00\ss are what the recipe grants/,
  )
  await run(page)
  await result(page, 300_000)
  const tried = page.getByTestId('tried').locator('tbody tr')
  expect(await tried.count()).toBeGreaterThan(0)
  expect(await tried.filter({ hasText: 'taken' }).count()).toBe(1)
  const report = await saveReport(page)
  expect(report.after!.bytes).toBeLessThanOrEqual(30_000)
  // What the search has measured on its way is shown without measuring again.
  await go(page, 'result')
  await page.getByTestId('rounding-curves').waitFor()
})

/** What axe has against the page as it stands: rule and element. */
const violations = (): Promise<string[]> =>
  page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } }
    const found = await axe.run()
    return found.violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}`))
  })

const shown: readonly (readonly [Place, string])[] = [
  ['model', 'memory'],
  ['recipe', 'wish'],
  ['result', 'roofline'],
  ['compare', 'latencies'],
]

test('axe objects to none of them, in both languages, light and dark, and nothing scrolls sideways on a phone', async () => {
  // The first result, which was measured all through.
  await go(page, 'result')
  await page.getByTestId('variant').selectOption({ index: 0 })
  await page.evaluate(axe)
  const found: string[] = []
  for (const [language, theme] of [
    ['en', 'light'],
    ['zh', 'dark'],
  ] as const) {
    await page.getByTestId('language-switch').selectOption(language)
    await page.getByTestId('theme-switch').selectOption(theme)
    for (const [place, testid] of shown) {
      await page.setViewportSize({ width: 1280, height: 800 })
      await go(page, place)
      await page.getByTestId(testid).waitFor()
      found.push(...(await violations()).map(what => `${place} ${language}: ${what}`))
      await page.setViewportSize({ width: 360, height: 740 })
      const over = await page.evaluate(() => {
        const main = document.querySelector('main')!
        return main.scrollWidth > main.clientWidth
      })
      if (over) found.push(`${place} ${language}: scrolls sideways`)
    }
  }
  expect(found).toEqual([])
})

test('nothing of this was an error, and nothing left', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})
