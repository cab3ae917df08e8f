// UltraFace RFB-320 on photographs: the file that decodes its boxes itself, and the one that gives offsets from prior boxes.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openDataset } from '../../src/data/dataset.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { importModel } from '../../src/importers/index.ts'
import { proposeSpec } from '../../src/jobs/proposed.ts'
import { infer } from '../../src/ops/infer.ts'
import { taskFor } from '../../src/tasks/index.ts'
import type { FoundBoxes } from '../../src/tasks/types.ts'
import { hasSharedData, sharedData } from '../data/shared.ts'
import { fileSet, ours } from '../importers/compared.ts'

test.skipIf(!hasSharedData)(
  'both are read as what they are, and find the same boxes',
  { timeout: 120_000 },
  async () => {
    const folder = `${sharedData}imagenet/eval136/`
    const names = readdirSync(folder)
      .filter(name => name.endsWith('.jpg'))
      .slice(0, 24)
    const pictures = fileSet(Object.fromEntries(names.map(name => [name, new Uint8Array(readFileSync(folder + name))])))
    const read = async (name: string) => {
      const files = { [name]: new Uint8Array(readFileSync(`${sharedData}onnx/${name}`)) }
      const { model } = await importModel(fileSet(files))
      const { spec } = proposeSpec(model)
      const task = taskFor(spec, infer(model))!
      const data = await openDataset(pictures, null, { model, spec, codecs: createNodeCodecs() })
      const found: (readonly number[])[] = []
      for await (const { index, feeds } of data.samples())
        for (const { x, y, width, height, score } of (task.answer(await ours(files, feeds)) as FoundBoxes).boxes)
          found.push([index, score, x, y, width, height])
      return { decoder: spec.task?.decoder, found }
    }
    const whole = await read('ultraface_rfb320.onnx')
    const offsets = await read('ultraface_rfb320_simplified.onnx')
    expect([whole.decoder, offsets.decoder]).toEqual(['ultraface', 'ssd'])
    expect(whole.found.length).toBeGreaterThan(3)
    expect(offsets.found.length).toBe(whole.found.length)
    for (const [i, box] of whole.found.entries())
      for (const [k, value] of box.entries()) expect(offsets.found[i]![k]).toBeCloseTo(value, 4)
  },
)
