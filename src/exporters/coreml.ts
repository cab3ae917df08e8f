// Core ML: an .mlpackage with the graph as an ML Program, computed in float16 unless the form says otherwise. Weights of few bits are
// kept as codes that are unpacked when the model is loaded; floats of few different values are kept as a palette.
//
// https://apple.github.io/coremltools/docs-guides/source/convert-to-ml-program.html and opt-overview.html
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import type { ImageInput } from '../data/input-spec.ts'
import { packageManifest, writeCoreml } from '../formats/coreml.ts'
import { type Graph, type Model, type Node, requiredInputs, type ValueName } from '../ir/model.ts'
import type { Tensor } from '../ir/tensor.ts'
import { infer } from '../ops/infer.ts'
import { elementwise } from './coreml/elementwise.ts'
import { announced, type Featured, fitsImage, input, output } from './coreml/features.ts'
import { layout } from './coreml/layout.ts'
import { network } from './coreml/network.ts'
import { type Lowering, NodeWriter } from './coreml/node.ts'
import { pairs } from './coreml/pairs.ts'
import { type Finished, ProgramBuilder, type Val } from './coreml/program.ts'
import { resize } from './coreml/resize.ts'
import { howToRun, runPython, runSwift } from './coreml/sample.ts'
import { palettesOf } from './coreml/weights.ts'
import { milType, type Writing } from './coreml/writing.ts'
import { GraphView, Refused } from './graph-view.ts'
import { refused } from './refused.ts'
import type { Exporter, Problem, WriteOptions } from './types.ts'

const source = 'apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html'

const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...layout,
  ...network,
  ...pairs,
  Resize: resize,
  Upsample: resize,
}

const systems: Readonly<Record<number, string>> = {
  7: 'iOS 16 or macOS 13',
  8: 'iOS 17 or macOS 14',
  9: 'iOS 18 or macOS 15',
}

export const coreml: Exporter = {
  id: 'coreml',
  label: 'Core ML',
  check: (model, _target, form) => {
    const nothing = async (): Promise<Uint8Array> => new Uint8Array()
    const { problems } = build(infer(model), { float: floatOf(form), palettes: new Map(), images: {}, read: nothing })
    return problems
  },
  write: async (given, _target, options) => {
    const { form, bytes } = options
    const model = infer(given)
    const float = floatOf(form)
    const read = (tensor: Tensor): Promise<Uint8Array> => bytes.read(tensor)
    const constants = [...model.graph.values].flatMap(([name, { data }]) => (data ? [[name, data] as const] : []))
    const palettes = await palettesOf(constants, read, float)
    const built = build(model, { float, palettes, images: imagesOf(model, options), read })
    if (built.problems.length > 0) throw refused(built.problems)
    const { program, inputs, outputs } = built
    const spec = writeCoreml({
      specificationVersion: program.specification,
      opset: program.opset,
      inputs: inputs.map(({ feature }) => feature),
      outputs: outputs.map(({ feature }) => feature),
      parameters: inputs.map(({ val: { name, dtype, shape } }) => [name, { dtype, shape }] as const),
      operations: program.operations,
      results: outputs.map(({ val }) => val.name),
    })
    const folder = 'model.mlpackage'
    const weights: OutFile = {
      path: `${folder}/Data/com.apple.CoreML/weights/weight.bin`,
      chunks: () => program.blobs.chunks(),
    }
    const edges = [...requiredInputs(model.graph), ...model.graph.outputs].map((name, i) => [
      name,
      [...inputs, ...outputs][i].edge,
    ])
    return {
      files: [
        outFile(`${folder}/Manifest.json`, packageManifest(spec)),
        outFile(`${folder}/Data/com.apple.CoreML/model.mlmodel`, spec),
        weights,
      ],
      roles: { model: folder },
      notes: notesOf(options, program, palettes.size, inputs),
      edges: Object.fromEntries(edges),
      around: [outFile('sample/run.py', utf8(runPython)), outFile('sample/Predict.swift', utf8(runSwift(inputs)))],
      howToRun,
    }
  },
}

const floatOf = (form: string): Writing['float'] => (form === 'float' ? 'float32' : 'float16')

/** Inputs that take an image: where pixels are all that is fed, and where integers are asked for. */
function imagesOf({ graph }: Model, { io, preprocess }: WriteOptions): Record<ValueName, ImageInput> {
  const isPlain = ({ scale, mean, std }: ImageInput): boolean =>
    scale === 1 && mean.every(m => m === 0) && std.every(s => s === 1)
  const takes = ([name, spec]: [ValueName, ImageInput]): boolean =>
    (io === 'integer' || isPlain(spec)) && fitsImage((graph.values.get(name)?.shape ?? []) as number[], spec)
  return Object.fromEntries(Object.entries(preprocess).filter(takes))
}

function notesOf(
  { form, io }: WriteOptions,
  { specification }: Finished,
  palettes: number,
  inputs: Featured[],
): string[] {
  const notes = ['Not run on its own runtime: Core ML is on Apple’s systems alone; the preview is by ONNX Runtime.']
  notes.push(`The model needs ${systems[specification]}.`)
  if (form !== 'float' && form !== 'float16')
    notes.push('Floats are computed in float16, as the Neural Engine does; the preview has them in float32.')
  if (palettes > 0)
    notes.push(`${palettes} constants have few different values and are kept as palettes, which loses nothing.`)
  if (io === 'integer' && inputs.some(({ feature }) => 'image' in feature))
    notes.push(
      'The model takes images and normalises their pixels itself, as "preprocess" says; golden inputs are what comes after that.',
    )
  return notes
}

interface Built {
  program: Finished
  inputs: Featured[]
  outputs: Featured[]
  problems: Problem[]
}

interface BuildOptions extends Pick<Writing, 'float' | 'palettes' | 'read'> {
  images: Readonly<Record<ValueName, ImageInput>>
}

function build(model: Model, { images, ...options }: BuildOptions): Built {
  const program = new ProgramBuilder()
  const graph = new GraphView(model)
  const problems: Problem[] = []
  const vals = new Map<ValueName, Val>()
  const base = { graph, opset: model.opsets[''] ?? 1, program, ...options, vals }
  const announcements = model.graph.outputs.map(name => [name, attempt(() => announced(name, base))] as const)
  const names = announcements.map(
    ([name, val]) => [name, val instanceof Refused ? placeholder(name, base) : val] as const,
  )
  const writing: Writing = { ...base, publicNames: new Map(names) }
  const inputs: Featured[] = []
  for (const name of requiredInputs(model.graph)) {
    const made = attempt(() => input(name, images[name] ?? null, writing))
    if (made instanceof Refused) problems.push(problemOf(null, '', made))
    else inputs.push(made)
  }
  // Values of unknown shapes, because the node that gives them is not known.
  const lost = new Set<ValueName>()
  for (const node of model.graph.nodes) {
    const why = attempt(() => lower(node, writing))
    if (!(why instanceof Refused)) continue
    const outputs = node.outputs.flatMap(name => (name === null ? [] : [[name, placeholder(name, writing)] as const]))
    for (const [name, val] of outputs) {
      vals.set(name, val)
      if (!isStatic(name, model.graph)) lost.add(name)
    }
    // What reads it is not to blame, and what no output needs is not missed.
    const behind = node.inputs.some(name => name !== null && lost.has(name))
    const read = node.inputs.flatMap(name => (name === null ? [] : (vals.get(name) ?? [])))
    program.refuse(
      behind ? null : { node, why },
      read,
      outputs.map(([, val]) => val),
    )
  }
  const outputs = announcements.flatMap(([name, announcement]) => {
    const made =
      announcement instanceof Refused && !lost.has(name) ? announcement : attempt(() => output(name, writing))
    if (!(made instanceof Refused)) return [made]
    problems.push(problemOf(null, '', made))
    return []
  })
  const finished = program.finish(outputs.map(({ val }) => val.name))
  problems.push(...finished.refusals.map(({ node, why }) => problemOf(node.id, node.op, why)))
  return { program: finished, inputs, outputs, problems }
}

function attempt<T>(make: () => T): T | Refused {
  try {
    return make()
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown
    throw thrown
  }
}

function lower(node: Node, writing: Writing): void {
  const n = new NodeWriter(node, writing)
  if (node.domain !== '' && node.domain !== 'ai.onnx') n.refuse(`it is of the domain ${node.domain}`)
  if (!Object.hasOwn(lowerings, node.op)) n.refuse('there is no operation of its kind')
  lowerings[node.op](n)
}

const isStatic = (name: ValueName, { values }: Graph): boolean =>
  values.get(name)?.shape?.every(d => typeof d === 'number') === true

const problemOf = (node: string | null, op: string, { message, fix }: Refused): Problem => ({
  node,
  op,
  why: message,
  level: 'refused',
  ...(fix ? { fix } : {}),
  source,
})

/** Stands for a value that cannot be given. */
function placeholder(name: ValueName, { graph, program, float }: Pick<Writing, 'graph' | 'program' | 'float'>): Val {
  const shape = (graph.graph.values.get(name)?.shape ?? []).map(d => (typeof d === 'number' ? d : 1))
  const dtype = attempt(() => milType(name, { graph, float }))
  return { name: program.name(name), dtype: dtype instanceof Refused ? float : dtype, shape }
}
