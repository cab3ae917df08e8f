// Ownership of projects between tabs; two frames of one origin are as good as two tabs.
import { afterEach, expect, test } from 'vitest'
import { disown, own, ownedElsewhere } from '../../src/host/browser/locks.ts'

afterEach(() => disown('p'))

/** Another tab takes the project, and gives it back when told. */
async function elsewhere(): Promise<() => Promise<void>> {
  const frame = document.createElement('iframe')
  document.body.append(frame)
  const locks = (frame.contentWindow as Window).navigator.locks
  let release = (): void => {}
  let done: Promise<unknown> = Promise.resolve()
  await new Promise<void>(taken => {
    done = locks.request('thimble:project:p', () => {
      taken()
      return new Promise<void>(free => {
        release = free
      })
    })
  })
  return async () => {
    release()
    await done
    frame.remove()
  }
}

test('a project is owned once, and again after it was let go', async () => {
  expect(await own('p')).toBe(true)
  expect(await own('p')).toBe(true)
  expect(await ownedElsewhere()).toEqual(new Set())
})

test('a project that another tab owns is refused, and seen as owned elsewhere', async () => {
  const release = await elsewhere()
  expect(await own('p')).toBe(false)
  expect(await ownedElsewhere()).toEqual(new Set(['p']))
  await release()
  expect(await own('p')).toBe(true)
})
