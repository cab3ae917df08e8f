// What stands around the work: the first steps, a word when long work is over, a screen that stays on, high contrast, large type;
// and how few clicks it takes from nothing to a bundle.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { zipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { classifier, file, picture } from './own-files.ts'
import { drop, go, openSample, type Place, result } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const places: readonly Place[] = ['model', 'data', 'recipe', 'run', 'result', 'compare', 'export']

let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio()
})
beforeEach(async () => {
  page = await studio.newPage()
  return () => page.close()
})
afterAll(() => studio.close())

/** Says of the page that it is seen or not, as the browser does when another tab is in front. */
const setHidden = (hidden: boolean): Promise<void> =>
  page.evaluate(value => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
    Object.defineProperty(document, 'visibilityState', {
      configurable: true,
      get: () => (value ? 'hidden' : 'visible'),
    })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)

test('from the open page to a saved bundle of one’s own classifier: at most five clicks or drops, and no typing', async () => {
  await page.goto(studio.url)
  let steps = 0
  const click = (testid: string): Promise<void> => {
    steps++
    return page.getByTestId(testid).click()
  }
  const photos = zipSync(Object.fromEntries(Array.from({ length: 16 }, (_, k) => [`${k}.png`, picture(k)])))
  steps++
  await drop(page, [...(await classifier('mine.onnx', { apart: true })), file('photos.zip', photos)])
  await page.getByTestId('place-model').waitFor()
  await click('place-run')
  await click('run-button')
  await result(page)
  await click('place-export')
  const [download] = await Promise.all([page.waitForEvent('download'), click('save-bundle-onnxruntime')])
  expect(readFileSync(await download.path()).length).toBeGreaterThan(1000)
  console.log(`from the open page to a saved bundle: ${steps} clicks and drops`)
  expect(steps).toBeLessThanOrEqual(5)
})

describe('the first steps', () => {
  test('are gone through with the keyboard, and do not come again', async () => {
    await page.goto(studio.url)
    await page.evaluate(() => localStorage.removeItem('thimble.tour'))
    await page.reload()
    const tour = page.getByTestId('tour')
    const at = (step: string) => page.locator(`[data-testid=tour][data-step=${step}]`).waitFor()
    await at('start')
    expect(await page.locator('.toured').getAttribute('data-testid')).toBe('drop-zone')
    await page.getByTestId('next-tour').focus()
    for (const step of ['stays', 'commands']) {
      await page.keyboard.press('Enter')
      await at(step)
    }
    await page.keyboard.press('Enter')
    await tour.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByTestId('drop-zone').waitFor()
    expect(await tour.count()).toBe(0)
    expect(await page.locator('.toured').count()).toBe(0)
  })

  test('are skipped at one click, in a project as well', async () => {
    await page.goto(studio.url)
    await page.evaluate(() => localStorage.removeItem('thimble.tour'))
    await page.reload()
    await page.getByTestId('skip-tour').click()
    await page
      .getByTestId('pick-model')
      .locator('input')
      .setInputFiles(await classifier('toured.onnx'))
    await page.getByTestId('place-model').waitFor()
    expect(await page.getByTestId('tour').count()).toBe(0)
  })
})

test('the screen is kept on while a run is on, and let go after it; a notification comes only where it was wanted', async () => {
  await studio.context.grantPermissions(['notifications'])
  await page.addInitScript(() => {
    const seen = { asked: 0, wake: [] as string[], said: [] as string[] }
    Object.assign(window, { seen })
    class Said {
      static permission = 'default'
      static async requestPermission() {
        seen.asked++
        Said.permission = 'granted'
        return 'granted'
      }
      constructor(words: string) {
        seen.said.push(words)
      }
      close() {}
    }
    Object.assign(window, { Notification: Said })
    const wakeLock = {
      async request() {
        seen.wake.push('request')
        const lock = Object.assign(new EventTarget(), {
          async release() {
            seen.wake.push('release')
            lock.dispatchEvent(new Event('release'))
          },
        })
        return lock
      },
    }
    Object.defineProperty(navigator, 'wakeLock', { value: wakeLock })
  })
  const seen = () =>
    page.evaluate(() => (window as unknown as { seen: { asked: number; wake: string[]; said: string[] } }).seen)
  await page.goto(studio.url)
  await openSample(page, 'digits')
  await page.getByTestId('stop-run').waitFor()
  expect((await seen()).wake).toEqual(['request'])
  await setHidden(true)
  await expect.poll(() => page.title()).toMatch(/^Running: /)
  await page.getByTestId('agreement').waitFor({ state: 'attached', timeout: 150_000 })
  await expect.poll(() => page.title()).toMatch(/^Done: /)
  expect(await seen()).toEqual({ asked: 0, wake: ['request', 'release'], said: [] })
  await setHidden(false)
  await expect.poll(() => page.title()).not.toMatch(/^Done: /)

  await go(page, 'run')
  await page.getByTestId('notify').check()
  expect((await seen()).asked).toBe(1)
  await page.getByTestId('run-button').click()
  await page.getByTestId('stop-run').waitFor()
  await setHidden(true)
  await expect.poll(async () => (await seen()).said, { timeout: 150_000 }).toEqual(['Handwritten digits is done'])
  expect((await seen()).wake.filter(what => what === 'request').length).toBe(2)
})

test('the browser’s own wake lock is given under the site’s headers', async () => {
  await page.goto(studio.url)
  const policy = await page.evaluate(async () => (await fetch('./')).headers.get('permissions-policy'))
  expect(policy).toContain('screen-wake-lock=(self)')
  expect(policy).toContain('geolocation=()')
  const outcome = await page.evaluate(() =>
    navigator.wakeLock.request('screen').then(
      lock => lock.release().then(() => 'given'),
      error => (error as DOMException).message,
    ),
  )
  // A machine without a screen may refuse it; a policy that forbids it says so.
  expect(outcome).not.toMatch(/policy/i)
  const place = await page.evaluate(
    () =>
      new Promise<string>(done =>
        navigator.geolocation.getCurrentPosition(
          () => done('given'),
          error => done(error.message),
        ),
      ),
  )
  expect(place).toMatch(/policy/i)
})

describe('who needs it larger or clearer', () => {
  beforeEach(async () => {
    await page.goto(studio.url)
    await page.locator('[data-testid^=open-]').first().click()
    await page.getByTestId('place-model').waitFor()
  })
  const wide = (): Promise<boolean> =>
    page.evaluate(() =>
      [document.documentElement, document.querySelector('main')!].some(box => box.scrollWidth > box.clientWidth),
    )

  /** Text that stands out from what is behind it by less than 7:1. */
  const faint = (): Promise<string[]> =>
    page.evaluate(async () => {
      const { axe } = window as unknown as {
        axe: { run(options: object): Promise<{ violations: { nodes: { target: unknown }[] }[] }> }
      }
      const found = await axe.run({
        runOnly: ['color-contrast-enhanced'],
        rules: { 'color-contrast-enhanced': { enabled: true } },
      })
      return found.violations.flatMap(({ nodes }) => nodes.map(node => String(node.target)))
    })

  test.each(['light', 'dark'] as const)('high contrast is at least 7:1 for text, over %s', async scheme => {
    await page.emulateMedia({ colorScheme: scheme })
    await page.evaluate(axe)
    await page.getByTestId('theme-switch').selectOption('light')
    expect(await faint()).not.toEqual([])
    await page.getByTestId('theme-switch').selectOption('contrast')
    const low: string[] = []
    for (const place of [...places, 'home'] as const) {
      if (place === 'home') await page.locator('.mark').click()
      else await go(page, place)
      await page.locator(place === 'home' ? '.place.home h1' : `.${place}-place h1`).waitFor()
      low.push(...(await faint()).map(target => `${place}: ${target}`))
    }
    await page.getByTestId('theme-switch').selectOption('system')
    expect(low).toEqual([])
  })

  test('nothing scrolls sideways with everything twice as large, nor on a phone', async () => {
    const over: string[] = []
    // A browser at 200 % lays a window of 1280 × 800 out as one of half the size.
    for (const [width, height] of [
      [640, 400],
      [390, 844],
      [360, 740],
    ] as const) {
      await page.setViewportSize({ width, height })
      for (const place of places) {
        await go(page, place)
        await page.locator(`.${place}-place h1`).waitFor()
        if (await wide()) over.push(`${place} at ${width}`)
      }
    }
    expect(over).toEqual([])
  })

  test('with reduced motion nothing moves', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter(element => {
          const { transitionDuration, animationName, animationDuration } = getComputedStyle(element)
          const lasts = (times: string) => times.split(', ').some(time => Number.parseFloat(time) > 0.01)
          return lasts(transitionDuration) || (animationName !== 'none' && lasts(animationDuration))
        }).length,
    )
    expect(moving).toBe(0)
  })
})
