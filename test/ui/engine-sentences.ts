// The sentences that the engine can say, read out of its sources: strings and templates that hold words, each hole as `{}`.
import { type ESTree, parseSync } from 'vite'
import { codeOf, modulesOf } from '../contract/source-files.ts'

// What speaks on the command line alone, writes files in English, or says things to developers.
const elsewhere =
  /^src\/(ui|cli|host\/node)\/|^src\/ir\/(parse|print|text-form)\.ts|^src\/formats\/[\w-]+-schema\.ts|^src\/exporters\/c\/(?!refusals)|^src\/jobs\/(convert|sample-code)\.ts|^workers\/(boot|service\.worker)\.ts|^src\/exporters\/(nnie-texts|tflite-samples|tflite-metadata|\w+\/sample|sample\/\w+)\.ts/

const folders = ['src', 'workers']

type Node = ESTree.Node
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

export interface Said {
  path: string
  text: string
}

/** All strings and templates of a module but those of imports and types. `label` tells those that name something. */
function textsOf(path: string): (Said & { label: boolean })[] {
  const found: (Said & { label: boolean })[] = []
  const walk = (node: Node, label: boolean): void => {
    if (/^(Import|ExportAll|TS(?!As|Satisfies|NonNull))/.test(node.type)) return
    if (node.type === 'Literal' && typeof node.value === 'string') found.push({ path, text: node.value, label })
    if (node.type === 'TemplateLiteral')
      found.push({ path, text: node.quasis.map(part => part.value.cooked ?? '').join('{}'), label })
    for (const [key, child] of Object.entries(node)) {
      for (const [k, one] of (Array.isArray(child) ? child : [child]).entries())
        if (isNode(one)) walk(one, namesSomething(node, key, k))
    }
  }
  walk(parseSync(path, codeOf(path)).program, false)
  return found
}

/** `label: …` of a record, and the first argument of the functions that declare an option. */
function namesSomething(node: Node, key: string, k: number): boolean {
  if (node.type === 'Property') return key === 'value' && node.key.type === 'Identifier' && node.key.name === 'label'
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return false
  return key === 'arguments' && k === 0 && ['number', 'choice', 'flag', 'value'].includes(node.callee.name)
}

// Two words beside each other, or a word beside a hole; and no line of a program or text form.
const words = /[A-Za-z’']{2,}[,:;]? [A-Za-z{(]|[a-z]{2} \{\}|\{\} [a-z]{2}|[a-z]' \{\}|\d \([a-z]{3}/

// Names that are the same everywhere, and strings that are not said to anybody.
const names =
  /^(NVIDIA|Jetson|Rockchip) |^onnxruntime[: ]|^(BVLC\/caffe|Tencent\/ncnn|MQBench|opencv|caffe\.proto): |^openvino: |^OpenVINO \(|^docs\.|^CoreML Model |^import [\w. ]+$|^apache-tvm |^https:\/\/docs\.|^qualcomm\/|^onnx\/|^Qualcomm \(|^TensorRT \(|commuting layers$|^Col2Im |^ReduceMax |^ --quantization|^weight along|^ONNX Runtime|^ONNX$|^Linux Foundation$|^version https:|^\{'descr': |^ ?\{?\}? ?\(operator \{\}\)$/

export const allTexts: readonly Said[] = modulesOf(folders)
  .filter(path => !elsewhere.test(path))
  .flatMap(textsOf)

/** What must have a pair. */
export const sentencesOfEngine: readonly Said[] = modulesOf(folders)
  .filter(path => !elsewhere.test(path))
  .flatMap(textsOf)
  .filter(
    ({ text, label }) =>
      !text.includes('\n') && !names.test(text) && (words.test(text) || (label && /[A-Za-z]/.test(text))),
  )
