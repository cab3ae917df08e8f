// Boxes and masks beside pictures, and where they lie on what the model is fed.
import { describe, expect, test } from 'vitest'
import { memorySource, utf8 } from '../../src/base/bytes.ts'
import { openDataset } from '../../src/data/dataset.ts'
import type { InputSpec, ResizeSpec } from '../../src/data/input-spec.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import type { Box, Boxes, Label, Mask } from '../../src/ir/labels.ts'
import { build } from '../build.ts'
import { png } from './png.ts'

const codecs = createNodeCodecs()
const model = build('graph (x: f32[N,3,20,20]) -> (y) { y = Relu(x) }')
const specOf = (fit: ResizeSpec['fit']): InputSpec => ({ inputs: { x: { resize: { fit, size: [20, 20] } } } })
const picture = (width: number, height: number) => png(width, height, 'colour', (x, y) => [x * 4, y * 4, 90])

const open = (files: Record<string, Uint8Array>, fit: ResizeSpec['fit'] = 'exact') =>
  openDataset(new Map(Object.entries(files).map(([path, bytes]) => [path, memorySource(path, bytes)])), null, {
    model,
    spec: specOf(fit),
    codecs,
  })
async function labelsIn(files: Record<string, Uint8Array>, fit?: ResizeSpec['fit']): Promise<(Label | null)[]> {
  const labels: (Label | null)[] = []
  for await (const { label } of (await open(files, fit)).samples()) labels.push(label)
  return labels
}
const boxes = (label: Label | null): readonly Box[] => (label as Boxes).boxes
const rounded = (label: Label | null) =>
  boxes(label).map(({ x, y, width, height, class: id }) => [id, ...[x, y, width, height].map(v => +v.toFixed(4))])

describe('classes', () => {
  const two = (a: string, b: string) => ({ [`d/${a}/1.png`]: picture(9, 9), [`d/${b}/2.png`]: picture(9, 9) })
  test('are named as their folders are, unless these are numbers', async () => {
    const named = await open(two('cat', 'ant'))
    expect([named.labels, named.classes]).toEqual(['class', ['ant', 'cat']])
    expect(await labelsIn(two('cat', 'ant'))).toEqual([0, 1])
    expect((await open(two('3', '8'))).classes).toBeNull()
    expect(await labelsIn(two('3', '8'))).toEqual([3, 8])
  })
  test('are named as labels.csv names them', async () => {
    const csv = utf8('file,label\na.png,dog\nb.png,bee\n')
    const { classes } = await open({ 'labels.csv': csv, 'a.png': picture(9, 9), 'b.png': picture(9, 9) })
    expect(classes).toEqual(['bee', 'dog'])
  })
})

describe('boxes of labels.csv', () => {
  const header = 'file,label,x,y,width,height\n'
  test('are in pixels of the picture and come out as fractions of what is fed; a picture may have none', async () => {
    const csv = utf8(`${header}a.png,face,10,5,20,10\na.png,eye,0,0,4,2\nb.png,,,,,\n`)
    const files = {
      'd/labels.csv': csv,
      'd/a.png': picture(40, 20),
      'd/b.png': picture(40, 20),
      'd/c.png': picture(9, 9),
    }
    const { labels, classes } = await open(files)
    expect([labels, classes]).toEqual(['boxes', ['eye', 'face']])
    const [a, b, c] = await labelsIn(files)
    expect(rounded(a)).toEqual([
      [1, 0.25, 0.25, 0.5, 0.5],
      [0, 0, 0, 0.1, 0.1],
    ])
    expect(b).toEqual({ kind: 'boxes', boxes: [] })
    expect(c).toBeNull()
  })
  test('move with the picture: into the frame of a letterbox, and out of what is cut off', async () => {
    const files = { 'labels.csv': utf8(`${header}a.png,0,10,5,20,10\na.png,1,0,0,8,20\n`), 'a.png': picture(40, 20) }
    expect(rounded((await labelsIn(files, 'letterbox'))[0])).toEqual([
      [0, 0.25, 0.375, 0.5, 0.25],
      [1, 0, 0.25, 0.2, 0.5],
    ])
    // The middle 20 columns of 40 are kept: the first box whole, the second not at all.
    expect(rounded((await labelsIn(files, 'cover'))[0])).toEqual([[0, 0, 0.25, 1, 0.5]])
  })
  test('that are none are named with their line', async () => {
    const of = (row: string) => open({ 'labels.csv': utf8(header + row), 'a.png': picture(40, 20) })
    await expect(of('a.png,0,1,2,3,4\na.png,0,1,2,-3,4\n')).rejects.toThrow(/labels.csv, line 3: 1, 2, -3, 4 is no box/)
    await expect(of('a.png,,1,2,3,4\n')).rejects.toThrow(/line 2: the box has no label/)
    const few = open({ 'labels.csv': utf8('file,label,x,y\na.png,0,1,2\n'), 'a.png': picture(40, 20) })
    await expect(few).rejects.toThrow(/needs all of x, y, width and height/)
  })
})

describe('a COCO .json', () => {
  const coco = {
    images: [
      { id: 7, file_name: 'a.png' },
      { id: 9, file_name: 'gone.png' },
    ],
    annotations: [
      { id: 1, image_id: 7, category_id: 18, bbox: [10, 5, 20, 10], iscrowd: 0 },
      { id: 2, image_id: 7, category_id: 3, bbox: [0, 0, 40, 20], iscrowd: 1, segmentation: [] },
    ],
    categories: [
      { id: 18, name: 'dog' },
      { id: 3, name: 'car' },
    ],
  }
  const files = (json: unknown) => ({ 'a.png': picture(40, 20), 'instances.json': utf8(JSON.stringify(json)) })
  test('gives boxes, crowds, and classes in the order of the categories’ ids', async () => {
    const [label] = await labelsIn(files(coco))
    expect(rounded(label)).toEqual([
      [1, 0.25, 0.25, 0.5, 0.5],
      [0, 0, 0, 1, 1],
    ])
    expect(boxes(label).map(box => box.crowd ?? false)).toEqual([false, true])
    expect((await open(files(coco))).classes).toEqual(['car', 'dog'])
    expect((await open(files(coco))).skipped).toEqual([
      { sample: 'gone.png', why: 'named in instances.json, but not there' },
    ])
  })
  test('that is broken is refused by what is wrong; another .json is let be', async () => {
    await expect(open(files({ ...coco, categories: [{ id: 3 }] }))).rejects.toThrow(/category 18, which is not listed/)
    await expect(open(files({ ...coco, images: [{ id: 'x' }] }))).rejects.toThrow(/images\.0/)
    expect((await open(files({ license: 'mine' }))).labels).toBeNull()
  })
})

describe('a .txt for each picture, as YOLO has them', () => {
  const files = (boxes: string) => ({
    'd/images/a.png': picture(40, 20),
    'd/images/b.png': picture(40, 20),
    'd/labels/a.txt': utf8(boxes),
  })
  test('gives centers and sizes in fractions, wherever the picture is put; a picture without one has no boxes', async () => {
    const [a, b] = await labelsIn(files('3 0.5 0.5 0.5 0.5\n\n1 0.1 0.1 0.2 0.2\n'), 'letterbox')
    expect(rounded(a)).toEqual([
      [3, 0.25, 0.375, 0.5, 0.25],
      [1, 0, 0.25, 0.2, 0.1],
    ])
    expect(b).toEqual({ kind: 'boxes', boxes: [] })
  })
  test('may have names in classes.txt', async () => {
    const plain = files('1 0.5 0.5 0.5 0.5\n')
    expect((await open(plain)).classes).toBeNull()
    expect((await open({ ...plain, 'd/classes.txt': utf8('cup\nplate\n') })).classes).toEqual(['cup', 'plate'])
  })
  test('that holds no boxes is named with its line; captions are let be', async () => {
    await expect(open(files('0 0.5 0.5 0.5 0.5\n0 12 8 30 20\n'))).rejects.toThrow(
      /a.txt, line 2: 0 12 8 30 20 is no box/,
    )
    expect((await open(files('a red square'))).labels).toBeNull()
  })
})

describe('masks', () => {
  const grey = (classOf: (x: number, y: number) => number) => png(40, 20, 'grey', (x, y) => [classOf(x, y)])
  const files = (mask: Uint8Array) => ({ 'd/images/a.png': picture(40, 20), 'd/masks/a.png': mask })
  const at = (label: Label | null, x: number, y: number) => (label as Mask).classes[y * (label as Mask).width + x]

  test('of a folder `masks` are no samples, and lie on the picture as it is fed', async () => {
    const dataset = await open(files(grey(x => (x < 20 ? 1 : 2))))
    expect(dataset).toMatchObject({ size: 1, labels: 'masks' })
    const [label] = await labelsIn(files(grey(x => (x < 20 ? 1 : 2))), 'letterbox')
    expect(label).toMatchObject({ width: 20, height: 20 })
    expect([at(label, 9, 10), at(label, 10, 10), at(label, 10, 4), at(label, 10, 5)]).toEqual([1, 2, 255, 2])
  })
  test('with a palette say their classes by places, not by colours', async () => {
    const colours = [[0, 0, 0], [128, 0, 0], [0, 128, 0]] as const // biome-ignore format: a table
    const [label] = await labelsIn(files(png(40, 20, 'palette', x => [x < 20 ? 2 : 1], colours)))
    expect([at(label, 0, 0), at(label, 19, 0)]).toEqual([2, 1])
  })
  test('in colour, or of another size than the picture, are named with what to do', async () => {
    const coloured = await open(files(png(40, 20, 'colour', () => [1, 2, 3])))
    await expect(coloured.peek(0)).rejects.toThrow(/d\/masks\/a.png is in colour/)
    const small = await open(files(png(20, 20, 'grey', () => [1])))
    await expect(small.peek(0)).rejects.toThrow(/is 20 x 20, its picture 40 x 20/)
  })
})
