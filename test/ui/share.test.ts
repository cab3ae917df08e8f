// Recipes that are handed on: in a link's fragment, and as a command that a shell takes apart as it was meant.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCsv } from '../../src/formats/csv.ts'
import type { Recipe } from '../../src/recipe/types.ts'
import { commandLine, quoted } from '../../src/ui/state/command-line.ts'
import { parseAddress } from '../../src/ui/state/place.ts'
import { readFragment, recipeFragment } from '../../src/ui/state/share.ts'

const recipe: Recipe = {
  thimble: 1,
  seed: 3,
  steps: [
    { do: 'quantize', layers: { "l'été/層": { float: true } } },
    { do: 'export', target: 'onnxruntime' },
  ],
}

describe('a link', () => {
  test('gives back the recipe, and is an address of nothing', async () => {
    const fragment = await recipeFragment(recipe)
    expect(fragment).toMatch(/^#recipe=[\w-]+$/)
    expect(await readFragment(fragment)).toEqual(recipe)
    expect(parseAddress(fragment)).toEqual({ project: null, place: 'model' })
  })
  test('that was cut or is no link at all is refused', async () => {
    const fragment = await recipeFragment(recipe)
    await expect(readFragment(fragment.slice(0, -9))).rejects.toThrow()
    await expect(readFragment('#recipe=%%%')).rejects.toThrow()
    await expect(readFragment('#recipe=')).rejects.toThrow()
  })
  test('that unfolds to far more than a recipe is not unfolded', async () => {
    const fragment = await recipeFragment({ ...recipe, steps: [{ do: 'x'.repeat(2_000_000) }] })
    expect(fragment.length).toBeLessThan(10_000)
    await expect(readFragment(fragment)).rejects.toThrow(/more than a recipe/)
  })
})

/** What a shell makes of a text in which `thimble` prints its words, one a line. */
function inShell(text: string): { words: string[]; file: (name: string) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-shell-'))
  try {
    const out = execFileSync('sh', ['-c', `thimble() { printf '%s\\n' "$@"; }\n${text}`], {
      cwd: folder,
      encoding: 'utf8',
    })
    const words = out.split('\n').slice(0, -1)
    const recipeFile = words[words.indexOf('--recipe') + 1]!
    const content = readFileSync(join(folder, recipeFile), 'utf8')
    return { words, file: () => content }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('a command', () => {
  const project = {
    name: 'it\'s mine; $(rm) `x` "y"',
    paths: {
      model: '-odd name.onnx',
      calibration: { path: 'été & 層', files: 3 },
      evaluation: { path: null, files: 2 },
    },
    input: { inputs: {} },
    inputProposed: false,
    calibration: { byHand: null },
    evaluation: null,
  }
  test('reaches the program word by word, whatever names hold, and its recipe file is the recipe with the input spec', () => {
    const { text, folders } = commandLine(project, recipe)
    const { words, file } = inShell(text)
    expect(words).toEqual([
      'compress',
      './-odd name.onnx',
      '--data',
      'été & 層',
      '--eval',
      'evaluation',
      '--recipe',
      `${project.name}.recipe.json`,
      '--device',
      'wasm',
      '--out',
      project.name,
    ])
    expect(JSON.parse(file('recipe'))).toEqual({ ...recipe, input: project.input })
    expect(folders).toEqual([{ folder: 'evaluation', files: 2 }])
  })
  test('writes the labels that were given by hand beside their pictures', () => {
    const calibration = { byHand: { 'été & 層/a "b", c.png': 3, 'été & 層/d.png': 0 } }
    const { text } = commandLine({ ...project, calibration }, recipe)
    const folder = mkdtempSync(join(tmpdir(), 'thimble-shell-'))
    mkdirSync(join(folder, 'été & 層'))
    execFileSync('sh', ['-c', `thimble() { :; }\n${text}`], { cwd: folder })
    const rows = parseCsv(readFileSync(join(folder, 'été & 層/labels.csv'), 'utf8'))
    rmSync(folder, { recursive: true })
    expect(rows).toEqual([
      ['file', 'label'],
      ['a "b", c.png', '3'],
      ['d.png', '0'],
    ])
  })
  test('leaves a spec that was only proposed for the command line to propose', () => {
    const { text } = commandLine({ ...project, inputProposed: true }, recipe)
    expect(JSON.parse(inShell(text).file('recipe'))).toEqual(recipe)
  })
  test('puts no quotes around what needs none', () => {
    expect(['a.onnx', 'dir/b-1.npz', 'a b', "it's", '', '~', '#x', '-x'].map(quoted)).toEqual([
      'a.onnx',
      'dir/b-1.npz',
      "'a b'",
      "'it'\\''s'",
      "''",
      "'~'",
      "'#x'",
      "'-x'",
    ])
  })
})
