// The estimate before a run, held against what the run then takes. ALL_SAMPLES=1 tries the larger built-in sample as well.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataset } from '../../src/data/dataset.ts'
import { checkInput } from '../../src/data/input-schema.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { fileSource } from '../../src/host/node/files.ts'
import { importModel } from '../../src/importers/index.ts'
import { compress, withTargets } from '../../src/jobs/compress.ts'
import { forecast } from '../../src/jobs/forecast.ts'
import { presetOf } from '../../src/recipe/presets.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { testContext } from '../quantize/played.ts'

const folder = join(import.meta.dirname, '../../public/samples')

const samples = [
  ['digits', 'calibration.npz', 'evaluation.npz'],
  ['text-lines', 'calibration.zip', 'evaluation.zip'],
]

test.each(samples.slice(0, process.env.ALL_SAMPLES ? 2 : 1))(
  '%s: the run takes what was estimated, within a factor of five',
  async (id, calibration, evaluation) => {
    const file = (name: string) => join(folder, id, name)
    const { model, sources, ...rest } = await importModel(
      new Map([['model.onnx', await fileSource(file('model.onnx'))]]),
    )
    const input = checkInput(JSON.parse(readFileSync(file('input.json'), 'utf8')), 'input.json')
    const open = async (name: string) =>
      openDataset(new Map([[name, await fileSource(file(name))]]), null, {
        model,
        spec: input,
        codecs: createNodeCodecs(),
      })
    const recipe = { ...checkRecipe(withTargets(presetOf('balanced'), ['onnxruntime'])), input }
    const data = { calibration: await open(calibration), evaluation: await open(evaluation) }
    const ctx = await testContext(sources)
    const imported = { model, sources, ...rest }
    const said = await forecast({ model, bytes: imported.bytes, ...data, recipe, samples: 128 }, ctx)
    expect(said.steps.map(({ step }) => step)).toEqual(recipe.steps.map(step => step.do))
    const request = { imported, modelHash: id, ...data, recipe, samples: 128, device: 'wasm' as const }
    const { report } = await compress({ ...request, notes: [], importMs: 0, store: null }, ctx)
    const took = report.timing.totalMs / 1000
    const ratio = said.seconds / took
    console.log(`${id}: estimated ${said.seconds.toFixed(1)} s, took ${took.toFixed(1)} s: ratio ${ratio.toFixed(2)}`)
    expect(ratio).toBeGreaterThan(1 / 5)
    expect(ratio).toBeLessThan(5)
  },
)
