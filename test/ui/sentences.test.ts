// Everything that the engine says has its Chinese, and the translator finds it with what stands in its holes.
import { describe, expect, test } from 'vitest'
import { plain, sentences } from '../../src/ui/i18n/sentences/index.ts'
import { createTranslator, hole } from '../../src/ui/i18n/translator.ts'
import { allTexts, sentencesOfEngine } from './engine-sentences.ts'

/** Without the names of holes, and holes that stand side by side as one. */
const bare = (text: string): string => text.replace(hole, '{}').replace(/\{\}(\s*\{\})+/g, '{}')
const holesOf = (text: string): string[] => [...text.matchAll(hole)].map(([, name, kind]) => name + kind).sort()

const keys = sentences.map(([english]) => bare(english))
const all = keys.join('\n')
const chinese = createTranslator(sentences)

describe('pairs', () => {
  test('every sentence of the engine has one', () => {
    // A part of a longer key is said only within it.
    const missing = sentencesOfEngine.filter(({ text }) => !all.includes(bare(text)))
    expect(missing.map(({ path, text }) => `${path}: ${text}`)).toEqual([])
  })

  test('every key is still said somewhere', () => {
    const said = allTexts.map(({ text }) => bare(text)).join('\n')
    const stale = plain.map(([english]) => bare(english)).filter(key => !said.includes(key))
    expect(stale).toEqual([])
  })

  test('no key is there twice', () => {
    expect(keys.filter((key, k) => keys.indexOf(key) !== k)).toEqual([])
  })

  test('both sides have the same holes, but for an English plural', () => {
    const odd = sentences.filter(
      ([english, other]) =>
        holesOf(english)
          .filter(name => name !== 's')
          .join() !== holesOf(other).join(),
    )
    expect(odd).toEqual([])
  })

  test('Chinese uses full-width punctuation between Chinese characters and never an exclamation mark', () => {
    const odd = sentences.filter(([, other]) => /[\u4e00-\u9fff][,;:!?.]|！|[,;:!?][\u4e00-\u9fff]/.test(other))
    expect(odd).toEqual([])
  })

  test('a sentence ends as its English does', () => {
    const odd = sentences.filter(([english, other]) => /\.$/.test(english) !== /。$/.test(other))
    expect(odd).toEqual([])
  })
})

describe('translator', () => {
  test.each([
    ['The GPU device went away: lost', 'GPU 设备已丢失：lost'],
    ['folded into Conv conv_1', '已并入 Conv conv_1'],
    ['w: s8 symmetric per channel, a: u8 affine per tensor', '权重 s8 对称，逐通道；激活 u8 非对称，逐张量'],
    ['a.onnx is no ONNX model: it looks like a GIF image', 'a.onnx 不是 ONNX 模型，看起来是 GIF 图片'],
    [
      'no integer operator reads its output, so that integers would only cost accuracy here',
      '没有整数算子读取其输出，在此用整数只会损失准确率',
    ],
    [
      'A loss of 0.42 points (\u22120.80 to \u22120.04 points at 95 %).',
      '下降 0.42 个百分点（95 % 区间 \u22120.80 到 \u22120.04 个百分点）。',
    ],
    [
      '500 samples are too few to tell a loss of one point from none (\u22121.20 to +0.40 points at 95 %; about 1200 samples would tell one point).',
      '500 个样本太少，无法判断有没有下降一个百分点（95 % 区间 \u22121.20 到 +0.40 个百分点；大约 1200 个样本可以分辨一个百分点）。',
    ],
    [
      "Input 'x' [1, 3, 32, 32]: NCHW, colours in the order RGB (assumed); resized to 32 x 32, bilinear as Pillow (assumed); x/255 (assumed).",
      "输入 'x' [1, 3, 32, 32]：NCHW，颜色顺序为 RGB（推测）；缩放到 32 x 32，与 Pillow 相同的双线性插值（推测）；x/255（推测）。",
    ],
    [
      "NO ACCURACY WAS MEASURED: the labels of digits do not fit the model. a.png: The label 12 is none of the model's 10 classes (0 to 9). Check the labels, and labelOffset in the input spec. Agreement with the original is over the same samples.",
      '没有测量准确率：digits 的标签与模型不符。a.png：标签 12 不在模型的 10 个类别（0 到 9）之中。请检查标签，以及预处理设置中的 labelOffset。与原模型的一致率基于相同的样本。',
    ],
    [
      'The image cannot be read: the file is cut short. Copy the file again, or take it out of the folder.',
      '无法读取图片：文件不完整。请重新复制该文件，或将其移出文件夹。',
    ],
    [
      'notes.txt looks like a text file, and none of the 2 other files is a model',
      'notes.txt 看起来是文本文件，其他 2 个文件中也没有模型',
    ],
    [
      'Step 2 of the recipe (quantize) is wrong: layers.fc: there is no "flot"; did you mean "float"?',
      '配方的第 2 步（quantize）有误：layers.fc：没有 "flot"；是否要写 "float"？',
    ],
    [
      'The runtime could not load the model (Foo): Node (n) has input size 1. Expected 2.',
      '运行时无法加载该模型 (Foo)：Node (n) has input size 1. Expected 2.',
    ],
  ])('%s', (english, expected) => {
    expect(chinese(english)).toBe(expected)
  })

  test('says nothing of words that it does not know', () => {
    expect(chinese('Something else entirely')).toBeNull()
  })
})
