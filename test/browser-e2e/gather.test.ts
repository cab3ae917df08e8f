// Samples from where they are: the camera, the clipboard; kept in the project like any others, and labelled by one key each.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { unzipSync } from 'fflate'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { siteFolder } from '../../scripts/serve.mjs'
import { classifier, file, picture, written } from './own-files.ts'
import { chooseDevice, different, error, go, json, result, run, saveBundle } from './person.ts'
import { openStudio, type Studio } from './studio.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const cli = join(siteFolder, '../cli/thimble.mjs')
let studio: Studio
let page: Page
beforeAll(async () => {
  studio = await openStudio({ args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] })
})
beforeEach(async () => {
  page = await studio.newPage()
  await page.goto(studio.url)
  return () => page.close()
})
afterAll(() => studio.close())

async function open(name: string): Promise<void> {
  await page
    .getByTestId('pick-model')
    .locator('input')
    .setInputFiles(await classifier(`${name}.onnx`))
  await page.getByTestId('place-model').waitFor()
}

/** Pastes pictures, as the browser does from its clipboard. */
const paste = (pictures: Uint8Array[]): Promise<void> =>
  page.evaluate(
    given => {
      const clipboardData = new DataTransfer()
      for (const bytes of given)
        clipboardData.items.add(new File([Uint8Array.from(bytes)], 'image.png', { type: 'image/png' }))
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    },
    pictures.map(bytes => [...bytes]),
  )

const samples = (n: number, role = 'calibration') =>
  page.getByTestId(`data-${role}`).getByText(`${n} sample`, { exact: false }).first().waitFor()

test('pictures from the camera and the clipboard become samples that are kept, and the camera is let go', async () => {
  await open('seeing')
  await go(page, 'data')
  await page.getByTestId('camera-calibration').click()
  const shutter = page.getByTestId('shutter')
  await expect.poll(() => shutter.isEnabled(), { timeout: 20_000 }).toBe(true)
  for (let k = 1; k <= 3; k++) {
    await shutter.click()
    await page
      .getByTestId('add-shots')
      .filter({ hasText: String(k) })
      .waitFor()
    await page.waitForTimeout(120) // the next picture is another
  }
  const live = () =>
    page.evaluate(() => {
      const stream = document.querySelector('video')?.srcObject as MediaStream | null
      return stream?.getTracks().map(track => track.readyState) ?? []
    })
  expect(await live()).toEqual(['live'])
  const tracks = await page.evaluateHandle(() =>
    (document.querySelector('video')!.srcObject as MediaStream).getTracks(),
  )
  await page.getByTestId('add-shots').click()
  await samples(3)
  expect(await tracks.evaluate(list => list.map(track => track.readyState))).toEqual(['ended'])

  await paste([picture(1), picture(2)])
  await samples(5)
  await page.reload()
  await samples(5)
  await page.locator('.sample-view .pictures canvas').first().waitFor()

  await run(page)
  await result(page)
  expect(studio.foreign).toEqual([])
})

test('a picture that cannot join what is there is refused, and that stays as it was', async () => {
  await page.getByTestId('sample-digits').click()
  await page.getByTestId('stop-run').waitFor()
  await page.getByTestId('stop-run').click()
  await page.getByTestId('run-button').waitFor()
  await paste([picture(1)])
  await error(page).waitFor()
  expect(await error(page).textContent()).toContain('calibration.npz')
  await samples(256)
})

test('seconds from the microphone become samples of a model that takes sound, and more of them join those', async () => {
  const model = await written(
    'hearing.onnx',
    `graph (wave: f32[N,8000]) -> (y) {
      y = Gemm(wave, w: f32[4,8000]{-0.1..0.1}, b: f32[4]{-0.1..0.1}) {transB=1}
    }`,
  )
  await page.getByTestId('pick-model').locator('input').setInputFiles(model)
  await page.getByTestId('place-model').waitFor()
  await go(page, 'data')
  expect(await page.getByTestId('camera-calibration').count()).toBe(0)
  let before = 0
  for (const wanted of [3, 2]) {
    await page.getByTestId('microphone-calibration').click()
    await page.getByTestId('record').click()
    const count = async () => Number(/(\d+) samples?$/.exec((await page.getByTestId('recorded').textContent())!)?.[1])
    await expect.poll(count, { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted)
    await page.getByTestId('stop-recording').click()
    await page.getByTestId('stop-recording').waitFor({ state: 'detached' })
    const recorded = await count()
    expect(await page.getByLabel('Layout', { exact: true }).count()).toBe(0)
    await page.getByText('samples are fed as they are').waitFor()
    await page.getByTestId('add-sound').click()
    await samples(before + recorded)
    before += recorded
  }
  // What was heard is seen, over time.
  const heard = page.locator('.sample-view .pictures canvas').first()
  await heard.waitFor()
  expect(await heard.evaluate(canvas => (canvas as HTMLCanvasElement).height)).toBe(128)
  await run(page)
  await result(page)
  const bundle = await saveBundle(page)
  expect(json<{ data: { samples: number; suspicious: unknown[] } }>(bundle, 'report.json').data.samples).toBe(before)
})

test('labels given by key decide the accuracy, are undone, travel with the project, and the command line sees them too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-labels-'))
  await open('labelled')
  await go(page, 'data')
  const pictures = Array.from({ length: 8 }, (_, k) => file(`${k}.png`, picture(k)))
  for (const role of ['calibration', 'evaluation']) {
    await page.getByTestId(`pick-${role}`).locator('input').setInputFiles(pictures)
    await samples(8, role)
  }
  await page.getByTestId('label-evaluation').click()
  const labelled = page.getByTestId('labelled')
  const at = (k: number) => page.getByTestId('labelling-evaluation').getByText(`Sample ${k} of 8`).waitFor()
  const seen = (name: string) => page.getByTestId('labelling-evaluation').getByText(name, { exact: true }).waitFor()
  // The keys work at once, without a click; 9 is no class of four.
  await seen('0.png')
  await page.keyboard.press('9')
  for (const [k, key] of ['0', '1', '2', '3', '0', '1', '2', '3'].entries()) {
    await seen(`${k}.png`)
    await page.keyboard.press(key)
    await labelled.getByText(`${k + 1} of 8 labelled`).waitFor()
  }
  expect(page.url()).toMatch(/\/data$/)
  await page.keyboard.press('Control+z')
  await labelled.getByText('7 of 8 labelled').waitFor()
  await page.keyboard.press('ArrowLeft')
  await at(7)
  await seen('6.png')
  expect(await page.getByTestId('current-label').textContent()).toBe('Class 2')
  await page.keyboard.press('Backspace')
  await labelled.getByText('6 of 8 labelled').waitFor()
  await page.keyboard.press('3')
  await labelled.getByText('7 of 8 labelled').waitFor()
  await page.getByTestId('data-evaluation').getByText('with class labels').waitFor()

  await page.reload()
  await page.getByTestId('data-evaluation').getByText('with class labels').waitFor()
  await chooseDevice(page, 'wasm')
  await run(page)
  await result(page)
  const bundle = await saveBundle(page)
  const report = json<{ before: { accuracy: { samples: number } | null } }>(bundle, 'report.json')
  expect(report.before.accuracy?.samples).toBe(7)

  // The project's file has the labels; a folder of its own files and the page's command come to the same bytes.
  await go(page, 'recipe')
  await page.getByTestId('share').click()
  const command = await page.getByTestId('share-command').inputValue()
  await page.keyboard.press('Escape')
  await page.getByTestId('project-menu').click()
  await page.getByTestId('save-project').click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('dialog[open] button[type=submit]').click(),
  ])
  const saved = unzipSync(readFileSync(await download.path()))
  for (const [path, bytes] of Object.entries(saved)) {
    if (!/^(model|calibration|evaluation)\//.test(path)) continue
    const to = join(folder, path.replace(/^model\//, ''))
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, bytes)
  }
  const program = join(folder, 'thimble')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`)
  chmodSync(program, 0o755)
  execFileSync('sh', ['-c', command], {
    cwd: folder,
    env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
    stdio: 'pipe',
  })
  const made = Object.fromEntries(
    Object.keys(bundle).map(path => [path, new Uint8Array(readFileSync(join(folder, 'labelled/onnxruntime', path)))]),
  )
  expect(different(made, bundle)).toEqual([])
  rmSync(folder, { recursive: true })
})

test.each([
  ['en', 'light'],
  ['zh', 'dark'],
])('axe has nothing against what opens over the page, in %s, %s', async (language, theme) => {
  await page.evaluate(() => localStorage.removeItem('thimble.tour'))
  await page.reload()
  await page.getByTestId('language-switch').selectOption(language)
  await page.getByTestId('theme-switch').selectOption(theme)
  const found: Record<string, string[]> = {}
  const look = async (name: string): Promise<void> => {
    await page.evaluate(axe)
    found[name] = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } }
      const { violations } = await axe.run()
      return violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}`))
    })
  }
  await page.getByTestId('tour').waitFor()
  await look('tour')
  await page.getByTestId('skip-tour').click()
  await open('looked-at')
  await page.getByTestId('project-menu').click()
  await look('menu')
  await page.getByTestId('save-project').click()
  await look('save')
  await page.keyboard.press('Escape')
  await go(page, 'recipe')
  await page.getByTestId('share').click()
  await page.getByTestId('share-command').waitFor()
  await look('share')
  const link = await page.getByTestId('share-link').inputValue()
  await page.keyboard.press('Escape')
  await page.evaluate(hash => {
    location.hash = hash
  }, new URL(link).hash)
  await page.getByTestId('shared-recipe').waitFor()
  await look('link')
  await page.getByTestId('shared-recipe').getByRole('button').last().click()
  await go(page, 'data')
  await page.getByTestId('camera-calibration').click()
  await expect.poll(() => page.getByTestId('shutter').isEnabled(), { timeout: 20_000 }).toBe(true)
  await page.getByTestId('shutter').click()
  await page.getByTestId('add-shots').waitFor()
  await look('camera')
  await page.getByTestId('add-shots').click()
  await page.getByTestId('label-calibration').click()
  await page.getByTestId('current-label').waitFor()
  await look('labelling')
  await page.getByTestId('language-switch').selectOption('en')
  expect(found).toEqual(Object.fromEntries(Object.keys(found).map(name => [name, []])))
})

test('nothing of all this left the machine', () => {
  expect(studio.foreign).toEqual([])
})
