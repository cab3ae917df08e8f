// The studio's own eyes on the samples: importer and data pipeline take them without a word of complaint.
import { describe, expect, it } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { openDataset } from '../../src/data/dataset.ts'
import type { InputSpec } from '../../src/data/input-spec.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { importModel } from '../../src/importers/index.ts'
import { npyBytes, read, samples, unzip } from './files.ts'

const filesOf = (path: string) => new Map([[path, memorySource(path, read(path))]])
const codecs = createNodeCodecs()
const wanted: Record<string, { shape: number[]; labels: 'class' | 'text' | 'masks'; counts: [number, number] }> = {
  digits: { shape: [1, 1, 28, 28], labels: 'class', counts: [256, 1000] },
  'text-lines': { shape: [1, 3, 48, 320], labels: 'text', counts: [24, 40] },
  'text-regions': { shape: [1, 3, 224, 352], labels: 'masks', counts: [16, 24] },
  'turned-lines': { shape: [1, 3, 48, 192], labels: 'class', counts: [32, 60] },
}

describe.each(samples)('sample $id', sample => {
  const { shape, labels, counts } = wanted[sample.id]
  const spec = JSON.parse(new TextDecoder().decode(read(sample.input))) as InputSpec

  it('gives every sample in the shape that the model takes, none skipped, none suspicious', async () => {
    const { model } = await importModel(filesOf(sample.model))
    const [calibration] = sample.data
    const [evaluation] = sample.evaluation
    for (const [i, path] of [calibration, evaluation].entries()) {
      const dataset = await openDataset(filesOf(path), path, { model, spec, codecs })
      let seen = 0
      for await (const { feeds, label } of dataset.samples()) {
        for (const feed of Object.values(feeds)) expect(feed.shape).toEqual(shape)
        if (path === evaluation) expect(label).not.toBeNull()
        seen++
      }
      expect(seen).toBe(counts[i])
      expect(dataset.skipped).toEqual([])
      expect(dataset.suspicious).toEqual([])
      if (path === evaluation) expect(dataset.labels).toBe(labels)
    }
  })
})

it('feeds a digit as (pixel / 255 - 0.1307) / 0.3081', async () => {
  const digits = samples.find(sample => sample.id === 'digits')!
  const spec = JSON.parse(new TextDecoder().decode(read(digits.input))) as InputSpec
  const { model } = await importModel(filesOf(digits.model))
  const [path] = digits.data
  const dataset = await openDataset(filesOf(path), path, { model, spec, codecs })
  const { sample } = await dataset.peek(0)
  const pixels = npyBytes(unzip(path)['image.npy']).data.subarray(0, 784)
  const fed = sample.feeds.image.data as Float32Array
  for (let i = 0; i < 784; i++) expect(fed[i]).toBeCloseTo((pixels[i] / 255 - 0.1307) / 0.3081, 5)
})
