// The page's own logic: edits of recipe and input spec, addresses, dropped files, sorting, ticks, CSV.
import { describe, expect, test } from 'vitest'
import type { LayerReport } from '../../src/jobs/report.ts'
import type { Recipe } from '../../src/recipe/types.ts'
import { sorted } from '../../src/ui/parts/sorting.ts'
import { roundTicks } from '../../src/ui/parts/ticks.ts'
import { splitModelAndData } from '../../src/ui/state/files.ts'
import { inputOf, numbers, setInputField } from '../../src/ui/state/input-edit.ts'
import { layersCsv } from '../../src/ui/state/layers-csv.ts'
import { leaves } from '../../src/ui/state/network.ts'
import { formatAddress, parseAddress } from '../../src/ui/state/place.ts'
import {
  addStep,
  changeLayers,
  cutBefore,
  cutsOf,
  isPreset,
  layerSetting,
  moveStep,
  parseRecipe,
  rangeOf,
  searches,
  searchOnly,
  setLayer,
  setLayers,
  setOption,
  setRange,
  setShape,
  shapeOf,
  targetsOf,
} from '../../src/ui/state/recipe-edit.ts'

const recipe: Recipe = {
  thimble: 1,
  seed: 0,
  steps: [{ do: 'optimize' }, { do: 'quantize', weights: 'int8' }, { do: 'export', target: 'onnxruntime' }],
}

describe('recipe', () => {
  test('the graph is ended before a layer, and before another as well', () => {
    const once = cutBefore(recipe, ['a'])
    expect(once.steps[0]).toEqual({ do: 'cut', outputs: ['a'] })
    const shaped = setShape(cutBefore(once, ['b', 'a']), 'x', [1, 3])
    expect(cutsOf(shaped)).toEqual([{ do: 'cut', outputs: ['a', 'b'], shapes: { x: [1, 3] } }])
    expect(targetsOf(shaped)).toEqual(['onnxruntime'])
  })
  test('an option at its default is left out, another is written', () => {
    expect(setOption(recipe, 1, 'weights', 'float16', 'int8').steps[1]).toEqual({ do: 'quantize', weights: 'float16' })
    expect(setOption(recipe, 1, 'weights', 'int8', 'int8').steps[1]).toEqual({ do: 'quantize' })
  })
  test('edits leave the recipe they were given as it was', () => {
    const before = structuredClone(recipe)
    setLayer(recipe, 'conv1', 'float')
    moveStep(recipe, 0, 1)
    expect(recipe).toEqual(before)
  })
  test('a layer setting comes and goes without a trace', () => {
    const kept = setLayer(recipe, 'conv1', 'float')
    expect(layerSetting(kept, 'conv1')).toEqual({ float: true })
    expect(setLayer(kept, 'conv1', 'step')).toEqual(recipe)
  })
  test('a layer that is set holds for a search too, which decides anew', () => {
    const decided = { ...recipe, steps: [{ do: 'search', keep: { loss: 0.5 }, found: { chosen: 1 } }] }
    const kept = setLayer(decided, 'conv1', 'float')
    expect(kept.steps).toEqual([
      { do: 'search', keep: { loss: 0.5 }, quantize: { layers: { conv1: { float: true } } } },
    ])
    expect(layerSetting(kept, 'conv1')).toEqual({ float: true })
    expect(setLayer(kept, 'conv1', 'step').steps).toEqual([{ do: 'search', keep: { loss: 0.5 } }])
  })
  test('many layers get a format in one change, keep what else was said of them, and give it back', () => {
    const kept = setLayers(recipe, ['conv1'], { range: 'mse', float: true })
    const both = changeLayers(kept, ['conv1', 'conv2'], { float: undefined, weights: 'int4' })
    expect(layerSetting(both, 'conv1')).toEqual({ range: 'mse', weights: 'int4' })
    expect(layerSetting(both, 'conv2')).toEqual({ weights: 'int4' })
    expect(setLayers(both, ['conv1', 'conv2'], null)).toEqual(recipe)
  })
  test('a range is given to all values of one scale, and taken back from them', () => {
    const range = { min: -1, max: 2 }
    const given = setRange(recipe, ['a', 'b'], range)
    expect(given.steps[1]).toEqual({ do: 'quantize', weights: 'int8', ranges: { a: range, b: range } })
    expect(rangeOf(given, 'b')).toEqual(range)
    expect(rangeOf(given, 'c')).toBeNull()
    expect(setRange(given, ['a', 'b'], null)).toEqual(recipe)
  })
  test('layers that are left to the search are free again, and it decides anew for them alone', () => {
    const quantize = { layers: { conv1: { weights: 'int4' }, conv2: { float: true } } }
    const decided = { ...recipe, steps: [{ do: 'search', quantize, found: { chosen: 1 } }] }
    expect(searchOnly(decided, ['conv1']).steps).toEqual([
      { do: 'search', quantize: { layers: { conv2: { float: true } } }, only: ['conv1'] },
    ])
    expect([searches(decided), searches(recipe)]).toEqual([true, false])
  })
  test('a new step goes before the exports, a new export to the end', () => {
    const added = (id: string) => addStep(recipe, { id, stands: null }).steps.map(step => step.do)
    expect(added('evaluate')).toEqual(['optimize', 'quantize', 'evaluate', 'export'])
    expect(addStep(recipe, { id: 'export', stands: null }).steps.at(-1)).toEqual({ do: 'export' })
  })
  test('a new step goes to the side of quantising where it works', () => {
    const judged = addStep(recipe, { id: 'evaluate', stands: null })
    const added = (id: string, stands: 'before' | 'behind') => addStep(judged, { id, stands }).steps.map(s => s.do)
    expect(added('prune', 'before')).toEqual(['optimize', 'prune', 'quantize', 'evaluate', 'export'])
    expect(added('qat', 'behind')).toEqual(['optimize', 'quantize', 'qat', 'evaluate', 'export'])
    const alone = { ...recipe, steps: [{ do: 'optimize' }, { do: 'export' }] }
    expect(addStep(alone, { id: 'prune', stands: 'before' }).steps[1]).toEqual({ do: 'prune' })
  })
  test('the first step moves no further up', () => expect(moveStep(recipe, 0, -1)).toBe(recipe))
  test('fixing a shape makes a cut step, freeing it removes that again', () => {
    const fixed = setShape(recipe, 'input', [1, 3, 32, 32])
    expect(fixed.steps[0]).toEqual({ do: 'cut', shapes: { input: [1, 3, 32, 32] } })
    expect(shapeOf(fixed, 'input')).toEqual([1, 3, 32, 32])
    expect(setShape(fixed, 'input', null)).toEqual(recipe)
  })
  test('freeing a shape keeps a cut that says more', () => {
    const cut = { ...recipe, steps: [{ do: 'cut', outputs: ['logits'] }, ...recipe.steps] }
    expect(setShape(setShape(cut, 'input', [1]), 'input', null)).toEqual(cut)
  })
  test('the input spec does not make a preset one’s own, a step does', () => {
    expect(isPreset({ ...recipe, input: { inputs: {} } }, recipe)).toBe(true)
    expect(isPreset(setLayer(recipe, 'last', 'float'), recipe)).toBe(false)
  })
  test('text that is no JSON and JSON that is no recipe are told apart', () => {
    expect(parseRecipe('{')).toHaveProperty('syntax')
    expect(parseRecipe('{"thimble": 2, "seed": 0, "steps": []}')).toEqual({ form: true })
    expect(parseRecipe('{"thimble": 1, "seed": 0, "steps": [{}]}')).toEqual({ form: true })
    expect(parseRecipe(JSON.stringify(recipe))).toEqual({ recipe })
  })
})

describe('input spec', () => {
  const spec = { inputs: { '*': { scale: 0.5 }, image: { resize: { fit: 'cover' as const } } } }
  test('the form shows what is said, over what all inputs share, over defaults; sizes come from the model', () => {
    expect(inputOf(spec, 'image', ['N', 3, 48, 320])).toMatchObject({
      scale: 0.5,
      layout: 'NCHW',
      resize: { fit: 'cover', size: [48, 320], like: 'pil' },
    })
  })
  test('an edit touches one field of one input', () => {
    expect(setInputField(spec, 'image', 'pad', 114)).toEqual({
      inputs: { '*': { scale: 0.5 }, image: { resize: { fit: 'cover' }, pad: 114 } },
    })
  })
  test('lists of numbers are parted by commas or spaces; other text is refused', () => {
    expect(numbers('0.1, 0.2 0.3')).toEqual([0.1, 0.2, 0.3])
    expect(numbers('0.1, x')).toBeNull()
    expect(numbers(' ')).toBeNull()
  })
})

describe('addresses', () => {
  test('an address leads back to itself', () => {
    const address = { project: 'a/b c', place: 'result' as const }
    expect(parseAddress(formatAddress(address))).toEqual(address)
  })
  test('no project is the first page; an unknown place is the model', () => {
    expect(parseAddress('')).toEqual({ project: null, place: 'model' })
    expect(parseAddress('#/x/nowhere')).toEqual({ project: 'x', place: 'model' })
  })
})

test('a drop of model, external data and pictures is told apart', () => {
  const given = ['m/model.onnx', 'm/model.onnx.data', 'cat/1.png', 'labels.csv'].map(path => ({
    path,
    file: new File([], path),
  }))
  const { model, data } = splitModelAndData(given)
  expect(model.map(file => file.path)).toEqual(['m/model.onnx', 'm/model.onnx.data'])
  expect(data.map(file => file.path)).toEqual(['cat/1.png', 'labels.csv'])
  expect(splitModelAndData(given.slice(2)).model).toEqual([])
})

test('only addresses of other origins leave', () => {
  const origin = 'https://studio.example'
  expect(leaves('https://studio.example/a.wasm', origin)).toBe(false)
  expect(leaves('blob:https://studio.example/1', origin)).toBe(false)
  expect(leaves('https://elsewhere.example/x', origin)).toBe(true)
  expect(leaves('http://studio.example/x', origin)).toBe(true)
})

test('rows sort by a column, empty cells last in both directions, equals in their order', () => {
  const rows = [
    { v: 2, n: 'a' },
    { v: null, n: 'b' },
    { v: 1, n: 'c' },
    { v: 2, n: 'd' },
  ]
  const columns = [{ id: 'v', key: (row: (typeof rows)[number]) => row.v }]
  const names = (down: boolean) =>
    sorted(rows, columns, { column: 'v', down })
      .map(row => row.n)
      .join('')
  expect(names(false)).toBe('cadb')
  expect(names(true)).toBe('adcb')
})

test('ticks are round', () => {
  expect(roundTicks(89.2, 93.8, 5)).toEqual([90, 91, 92, 93])
  expect(roundTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(roundTicks(3, 3, 5)).toEqual([3])
})

test('CSV quotes what needs it and leaves missing figures empty', () => {
  const row: LayerReport = {
    node: 'a,"b"',
    op: 'Conv',
    weightBits: 8,
    activationBits: null,
    scheme: 's8',
    sqnrDb: 31.25,
    cumulativeSqnrDb: null,
    weightSqnrDb: 40,
    activationSqnrDb: 38.5,
  }
  expect(layersCsv([row]).split('\r\n')[1]).toBe('"a,""b""",Conv,8,,s8,31.25,,40,38.5')
})
