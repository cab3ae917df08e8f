// A layer's page as a person uses it: what its output holds, a range that is dragged and said at once, a setting that is tried before it is
// taken, many layers set together; by mouse, by keys alone, and with axe on what is open.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Recipe } from '../../src/recipe/types.ts'
import { go, openSample, result, run } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let studio: Studio
let page: Page
/** What the first run said that it was doing. */
let observed: string[]
beforeAll(async () => {
  studio = await openStudio()
  page = studio.page
  await page.getByTestId('sample-digits').waitFor()
  const stages = stagesUntilResult()
  await openSample(page, 'digits')
  await result(page)
  observed = await stages
})
afterAll(() => studio.close())

const calibrating = 'Calibrate'

/** The stages that the status line names until a result is there. */
const stagesUntilResult = (): Promise<string[]> =>
  page.evaluate(
    () =>
      new Promise<string[]>(done => {
        const seen = new Set<string>()
        const look = () => {
          for (const word of document.querySelector('[data-testid=status-line]')?.textContent?.match(/^[^\d·…]+/) ?? [])
            seen.add(word.trim())
          if (!document.querySelector('[data-testid=agreement]')) return
          watch.disconnect()
          done([...seen])
        }
        const watch = new MutationObserver(look)
        watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
      }),
  )

const handle = () => page.getByTestId('handle-max')
const outputDb = async (): Promise<number> =>
  Number.parseFloat((await page.getByTestId('output-sqnr').innerText()).trim())
const tried = async (row: 'sqnr' | 'bytes'): Promise<number[]> => {
  const cells = page.getByTestId(`tried-${row}`).locator('td')
  await cells.first().waitFor({ timeout: 60_000 })
  return (await cells.allTextContents()).map(text => Number.parseFloat(text.replace('−', '-')))
}

/** A layer found by its name on the model's page, and opened. */
async function select(name: string): Promise<void> {
  await go(page, 'model')
  const search = page.locator('#graph-search')
  await search.fill(name)
  await page.locator('.graph-stage canvas').waitFor()
  await search.press('Enter')
  await page.locator('.inspector p.name', { hasText: name }).waitFor()
}

async function recipe(): Promise<Recipe> {
  await go(page, 'recipe')
  const text = await page.getByTestId('recipe-json').inputValue()
  return JSON.parse(text) as Recipe
}
const quantizing = async () => (await recipe()).steps.find(step => step.do === 'quantize')!

test('the page of a convolution has its shapes, its weights by channel, its activations and its neighbours', async () => {
  await select('/stem/Conv')
  await page.getByTestId('output-sqnr').waitFor({ timeout: 60_000 })
  await page.locator('section[data-testid=layer-weights] .channel').first().waitFor()
  expect(await page.locator('.inspector').innerText()).toContain('8×1×3×3')
  expect(await page.locator('.layer-chart .channel').count()).toBe(8)
  expect(await outputDb()).toBeGreaterThan(30)
  await page.getByTestId('neighbours').getByRole('button', { name: '/stem/BatchNormalization' }).click()
  await page.locator('.inspector h2', { hasText: 'BatchNormalization' }).waitFor()
  await page.getByTestId('neighbours').getByRole('button', { name: '/stem/Conv' }).click()
  await page.locator('.inspector h2', { hasText: 'Conv' }).waitFor()
  await page.getByTestId('output-sqnr').waitFor({ timeout: 60_000 })
})

test('a dragged range is tinted beyond, and its error is said within 100 ms', async () => {
  const times = await page.evaluate(async () => {
    const handle = document.querySelector<SVGElement>('[data-testid=handle-max]')!
    const figure = document.querySelector('[data-testid=output-sqnr]')!
    const box = handle.getBoundingClientRect()
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    const send = (type: string, at: number) =>
      handle.dispatchEvent(
        new PointerEvent(type, { pointerId: 1, clientX: at, clientY: y, button: 0, bubbles: true, cancelable: true }),
      )
    // Events that no pointer made cannot capture one.
    handle.setPointerCapture = () => {}
    handle.hasPointerCapture = () => true
    handle.releasePointerCapture = () => {}
    const changed = () =>
      new Promise<number>(done => {
        const watch = new MutationObserver(() => {
          watch.disconnect()
          done(performance.now())
        })
        watch.observe(figure, { subtree: true, childList: true, characterData: true, attributes: true })
      })
    send('pointerdown', x)
    const times: number[] = []
    for (let k = 1; k <= 30; k++) {
      const said = changed()
      const start = performance.now()
      send('pointermove', x - 3 * k)
      times.push((await said) - start)
    }
    const text = figure.textContent
    handle.dispatchEvent(new PointerEvent('pointercancel', { pointerId: 1, bubbles: true }))
    for (const name of ['setPointerCapture', 'hasPointerCapture', 'releasePointerCapture'])
      Reflect.deleteProperty(handle, name)
    return { times, text }
  })
  const sorted = times.times.sort((a, b) => a - b)
  console.log(
    `from the move of a handle to the changed figure: ${sorted[15].toFixed(1)} ms at the median, ${sorted[29].toFixed(1)} ms at most, of 30`,
  )
  expect(sorted[15]).toBeLessThan(100)
})

test('letting go writes the range, the whole model is measured with it, and undo takes it back', async () => {
  const before = await outputDb()
  await handle().scrollIntoViewIfNeeded()
  const box = (await handle().boundingBox())!
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x - 60, box.y + box.height / 2, { steps: 8 })
  await expect.poll(outputDb).toBeLessThan(before - 3)
  expect(await page.getByTestId('beyond').count()).toBeGreaterThan(0)
  expect(Number.parseFloat(await page.getByTestId('clipped').innerText())).toBeGreaterThan(0)
  await page.mouse.up()
  const [as, changed] = await tried('sqnr')
  expect(changed).toBeLessThan(as)
  const { ranges } = (await quantizing()) as unknown as { ranges: Record<string, { min: number; max: number }> }
  const [{ min, max }] = Object.values(ranges)
  expect(min).toBe(0)
  expect(max).toBeGreaterThan(0)
  await page.keyboard.press('Control+z')
  await expect.poll(async () => (await quantizing()).ranges).toBeUndefined()
})

test('a layer of fewer bits is tried without a run, taken up, and the run does not look at the samples again', async () => {
  await select('/stem/Conv')
  await page.getByTestId('setting-weights').selectOption('int4')
  const [as, changed] = await tried('sqnr')
  expect(changed).toBeLessThan(as)
  expect((await quantizing()).layers).toBeUndefined() // nothing is in the recipe before it is applied

  await select('/block/first/Conv')
  await page.getByTestId('setting-float').check()
  const [fewer, float] = await tried('sqnr')
  expect(float).toBeGreaterThan(fewer)
  const [was, is] = await tried('bytes')
  expect(is).toBeGreaterThan(was)
  await page.getByTestId('layer-apply').click()
  expect((await quantizing()).layers).toEqual({ '/block/first/Conv': { float: true } })

  const stages = stagesUntilResult()
  await run(page)
  await result(page)
  expect(observed).toContain(calibrating)
  expect(await stages).not.toContain(calibrating)
})

describe('by keys alone', () => {
  test('the handle moves by arrows, says its value, gives up with Escape, and is taken with Enter', async () => {
    await select('/stem/Conv')
    await page.getByTestId('output-sqnr').waitFor({ timeout: 60_000 })
    await handle().focus()
    const value = async () => Number(await handle().getAttribute('aria-valuenow'))
    const from = await value()
    for (let k = 0; k < 3; k++) await page.keyboard.press('Shift+ArrowLeft')
    expect(await value()).toBeLessThan(from)
    expect(await handle().getAttribute('aria-valuetext')).not.toBe('')
    await page.keyboard.press('Escape')
    await expect.poll(value).toBe(from)
    await page.keyboard.press('Shift+ArrowLeft')
    await page.keyboard.press('Enter')
    await tried('sqnr')
    expect(Object.keys((await quantizing()).ranges as object)).toHaveLength(1)
    await page.keyboard.press('Control+z')
  })

  test('layers are ticked and set together, and set free again', async () => {
    await go(page, 'result')
    const boxes = page.locator('.virtual-table tbody .pick input')
    await boxes.first().focus()
    await page.keyboard.press('Space')
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => page.evaluate(() => document.activeElement?.closest('tr')?.dataset.index)).toBe('1')
    await page.keyboard.press('Space')
    expect(await boxes.evaluateAll(all => all.filter(box => (box as HTMLInputElement).checked).length)).toBe(2)
    await page.getByTestId('set-weights').selectOption('int4')
    await expect
      .poll(async () => {
        const layers = Object.values(((await quantizing()).layers ?? {}) as object)
        return layers.filter(layer => JSON.stringify(layer) === '{"weights":"int4"}').length
      })
      .toBe(2)
    await page.keyboard.press('Control+z')
    await expect.poll(async () => Object.keys((await quantizing()).layers as object)).toHaveLength(1)
  })
})

test('a heading’s box ticks all that are shown, and sorting goes on', async () => {
  await go(page, 'result')
  const all = page.locator('.virtual-table thead .pick input')
  await all.check()
  const rows = await page.locator('.virtual-table tbody tr[data-index]').count()
  expect(rows).toBeGreaterThan(1)
  expect(await page.locator('.virtual-table tbody .pick input:checked').count()).toBe(rows)
  await page.locator('.virtual-table thead button').first().click()
  expect(await page.locator('.virtual-table th').first().getAttribute('aria-sort')).not.toBe('none')
  expect(await page.locator('.virtual-table tbody .pick input:checked').count()).toBe(rows)
})

test('nothing of it went wrong or left the device', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})

test.each([
  ['en', 'light'],
  ['zh', 'dark'],
])('axe finds nothing in an open layer and in ticked rows, in %s, %s', async (language, theme) => {
  await page.getByTestId('language-switch').selectOption(language)
  await page.getByTestId('theme-switch').selectOption(theme)
  await page.evaluate(axe)
  const violations = (): Promise<string[]> =>
    page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } }
      const found = await axe.run()
      return found.violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}`))
    })
  await go(page, 'result')
  await page.locator('.virtual-table thead .pick input').check()
  expect(await violations()).toEqual([])
  await select('/stem/Conv')
  await page.getByTestId('output-sqnr').waitFor({ timeout: 60_000 })
  await page.locator('section[data-testid=layer-weights] .channel').first().waitFor()
  expect(await violations()).toEqual([])
})
