// A tab closed in the middle of a run loses at most the stage that was running; Stop works at once and leaves all as it was.
import type { Unzipped } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { different, go, openSample, result, run, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
let whole: Unzipped
beforeAll(async () => {
  studio = await openStudio()
  const { page } = studio
  await openSample(page, 'digits')
  await result(page)
  whole = await saveBundle(page)
})
afterAll(() => studio.close())

/** What the status line says first for each stage, in the order of a run. */
const stages = {
  optimize: 'Optimise',
  quantize: 'Quantise',
  observe: 'Calibrate',
  evaluate: 'Evaluate',
  export: 'Export',
}

/** From now on the page remembers all that its status line says, and `leave` is called when it first says `words`. */
async function watchStatus(page: Page, words?: string): Promise<void> {
  await page.evaluate(wanted => {
    const said: string[] = []
    Object.assign(window, { said })
    const look = () => {
      const now = document.querySelector('[data-testid=status-line]')?.textContent ?? ''
      if (now === said.at(-1)) return
      said.push(now)
      // The document goes, and with it every thread, as when the tab is closed.
      if (wanted && now.startsWith(wanted)) location.replace('about:blank')
    }
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
  }, words)
}

const stagesSaid = (page: Page): Promise<string[]> =>
  page.evaluate(names => {
    const { said } = window as unknown as { said: string[] }
    return names.filter(name => said.some(words => words.startsWith(name)))
  }, Object.values(stages))

test.each([
  { stage: 'optimize', mayRepeat: ['Optimise', 'Quantise', 'Calibrate', 'Evaluate', 'Export'] },
  { stage: 'observe', mayRepeat: ['Quantise', 'Calibrate', 'Evaluate', 'Export'] },
  { stage: 'evaluate', mayRepeat: ['Evaluate', 'Export'] },
  { stage: 'export', mayRepeat: ['Export'] },
] as const)(
  'closed while it does $stage, the run goes on from there and comes to the same bytes',
  async ({ stage, mayRepeat }) => {
    const page = await studio.newPage()
    await page.goto(studio.url)
    await watchStatus(page, stages[stage])
    await openSample(page, 'digits')
    await page.waitForURL('about:blank')
    await page.close()

    const again = await studio.newPage()
    await again.goto(studio.url)
    const resume = again.getByRole('button', { name: /^Resume/ })
    await resume.first().click()
    await again.getByText('was interrupted').waitFor()
    await watchStatus(again)
    await again.getByTestId('run-button').click()
    await result(again)
    const repeated = await stagesSaid(again)
    expect(mayRepeat).toEqual(expect.arrayContaining(repeated))
    expect(repeated).toContain('Export')
    expect(different(await saveBundle(again), whole)).toEqual([])
    await again.close()
  },
)

test('Stop ends the run within a second; the next run comes to the same bytes', async () => {
  const page = await studio.newPage()
  await page.goto(studio.url)
  await openSample(page, 'digits')
  await page.getByTestId('status-line').filter({ hasText: 'Evaluate' }).waitFor()
  const took = await page.evaluate(async () => {
    const began = performance.now()
    document.querySelector<HTMLElement>('[data-testid=stop-button]')!.click()
    while (!document.querySelector('[data-testid=run-button]')) await new Promise(done => setTimeout(done, 5))
    return performance.now() - began
  })
  expect(took).toBeLessThan(1000)
  await page.getByTestId('status-line').filter({ hasText: 'Stopped' }).waitFor()
  await go(page, 'model')
  await page.getByRole('heading', { name: 'Model', exact: true }).waitFor()
  await run(page)
  await result(page)
  expect(different(await saveBundle(page), whole)).toEqual([])
  await page.close()
})

test('nothing of this was an error, and nothing left', () => {
  expect(studio.errors).toEqual([])
  expect(studio.foreign).toEqual([])
})
