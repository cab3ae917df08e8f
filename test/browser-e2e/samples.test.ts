// The samples beside the digits, each by the one click that its entry promises: real networks of other tasks, judged by their own measure.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { error, go, openSample, result } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
beforeAll(async () => {
  studio = await openStudio()
})
afterAll(() => studio.close())

test.each([
  { id: 'text-lines', before: 'report-metric-before', after: 'report-metric-after', least: 95, view: 'both-answers' },
  { id: 'text-regions', before: 'report-metric-before', after: 'report-metric-after', least: 85, view: 'both-masks' },
  { id: 'turned-lines', before: 'report-top1-before', after: 'report-top1-after', least: 95, view: 'both-answers' },
])(
  '$id',
  async ({ id, before, after, least, view }) => {
    const page = await studio.newPage()
    await page.goto(studio.url)
    await openSample(page, id)
    await result(page, 280_000)
    const shown = async (figure: string) => Number.parseFloat((await page.getByTestId(figure).textContent())!)
    const float = await shown(before)
    expect(float).toBeGreaterThanOrEqual(least)
    expect(await shown(after)).toBeGreaterThan(float - 4)
    expect(await error(page).count()).toBe(0)
    await go(page, 'compare')

    await page.getByTestId(view).waitFor()
    await page.close()
  },
  300_000,
)
