// One tab owns a project. Another shows it without being able to change it, says so, and has it as soon as the first lets go.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { go, openSample, result, run } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

let studio: Studio
beforeAll(async () => {
  studio = await openStudio()
})
afterAll(() => studio.close())

test('a second tab opens the project read-only and says so; it is its own when the first is closed', async () => {
  const first = await studio.newPage()
  await first.goto(studio.url)
  await openSample(first, 'digits')
  await result(first)
  const second = await studio.newPage()
  await second.goto(first.url())
  await second.getByTestId('read-only').waitFor()
  await result(second)
  await go(second, 'recipe')
  expect(await second.getByTestId('recipe-json').isDisabled()).toBe(true)
  await go(second, 'data')
  expect(await second.getByTestId('pick-calibration').locator('input').isDisabled()).toBe(true)
  await go(second, 'run')
  expect(await second.getByTestId('run-button').isDisabled()).toBe(true)

  // The first page lists it as its own still, the second's list says where it is.
  const third = await studio.newPage()
  await third.goto(studio.url)
  await third.getByText('open in another tab').first().waitFor()
  await third.close()

  await first.close()
  await second.getByTestId('read-only').waitFor({ state: 'detached', timeout: 10_000 })
  await run(second)
  await result(second)
  expect(studio.errors).toEqual([])
})
