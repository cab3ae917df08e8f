// Detectors and segmenters through the built command line: judged by labelled boxes and masks, and the word on labels that do not fit.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/jobs/report.ts'
import { readJson, scratch, thimble } from '../flow/cli.ts'
import { saveJson, saveText } from '../flow/files.ts'
import { detector, labelledSquares, maskedSquares, segmenter, squares } from '../models/squares.ts'

const work = scratch()
function folder(name: string, files: Record<string, Uint8Array>): string {
  for (const [path, bytes] of Object.entries(files)) {
    const at = join(work, name, path)
    mkdirSync(dirname(at), { recursive: true })
    writeFileSync(at, bytes)
  }
  return join(work, name)
}

const plain = folder('plain', squares(24))
const boxes = folder('boxes', labelledSquares(24))
const masks = folder('masks', maskedSquares(24))
const model = await saveText(join(work, 'squares.onnx'), detector)
const pixels = await saveText(join(work, 'pixels.onnx'), segmenter)

describe('a detector', () => {
  test('is judged by mean average precision, proposed decoder and all', async () => {
    const { status, stdout, stderr } = await thimble('evaluate', model, '--data', boxes)
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/mean AP at IoU 0\.5 100\.00 % on 24 samples/)
    expect(stdout).toMatch(/mean AP at IoU 0\.5 to 0\.95 \d+\.\d+ %/)
    expect(stderr).toMatch(/look like detections: decoder heatmap, scores hm, sizes wh, offsets reg/)
  })
  test('is compressed with the loss of precision and the agreement of boxes in its report and manifest', async () => {
    const out = join(work, 'out')
    const ended = await thimble(
      'compress',
      model,
      '--data',
      plain,
      '--eval',
      boxes,
      '--target',
      'onnxruntime',
      '--out',
      out,
    )
    expect(ended.status, ended.stderr).toBe(0)
    const { before, after, agreement } = readJson<Report>(join(out, 'report.json'))
    expect(before.accuracy).toMatchObject({ metric: 'mean AP at IoU 0.5', value: 100, top1: null })
    expect(after!.accuracy!.against!.difference).toBeGreaterThan(-10)
    expect(agreement).toMatchObject({ top1: null, answers: { metric: 'boxes that both find' } })
    expect(agreement!.answers!.value).toBeGreaterThan(90)
    expect(ended.stdout).toMatch(/boxes that both find \d+\.\d+ %, the original’s boxes found again/)
  })
  test('given labels of classes, masks, or boxes of classes that it does not know, says which sample and what to do', async () => {
    const refused = async (data: string): Promise<string> => {
      const { status, stdout, stderr } = await thimble('evaluate', model, '--data', data)
      expect([status, stdout]).toEqual([1, ''])
      return stderr
    }
    expect(await refused(masks)).toMatch(/label is a mask, but the model finds boxes[\s\S]*00\.png[\s\S]*labels\.csv/)
    const csv = (text: string) =>
      folder(`csv${text.length}`, { ...squares(2), 'labels.csv': new TextEncoder().encode(text) })
    expect(await refused(csv('file,label\n00.png,1\n'))).toMatch(/label is the class 1, but the model finds boxes/)
    expect(await refused(csv('file,label,x,y,width,height\n00.png,7,1,1,9,9\n'))).toMatch(
      /label 7 is none of the model's 2 classes[\s\S]*labelOffset/,
    )
    expect(await refused(csv('file,label,x,y,width,height\n00.png,0,1,1,nine,9\n'))).toMatch(/labels\.csv, line 2/)
  })
  test('read by a decoder that does not fit is refused by what that lacks', async () => {
    const spec = saveJson(join(work, 'spec.json'), {
      inputs: { '*': { scale: 1 / 255 } },
      task: { kind: 'detect', decoder: 'ssd' },
    })
    const { status, stderr } = await thimble('evaluate', model, '--data', boxes, '--input', spec)
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/decoder ssd has to be told which output is "boxes"[\s\S]*hm, wh, reg/)
  })
})

test('a segmenter is judged by the IoU of its classes', async () => {
  const { status, stdout, stderr } = await thimble('evaluate', pixels, '--data', masks)
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/mean IoU of classes (99|100)\.\d+ % on 24 samples/)
})
