// The text form of a graph, for tests, golden files, bug reports and documentation:
//
//   graph (x: f32[1,3,32,32]) -> (y) {
//     c = Conv(x, w: f32[16,3,3,3], b: f32[16]{0}) {pads=[1,1,1,1]}
//     y = Relu(c)
//   }
//
// A typed operand is an initializer: with values in braces, one value for all, a range {0.5..1.5} or none to be filled with
// seeded random numbers; without a name it gets one. `f32[]` is a scalar, `f32` of unknown rank, `?` an unknown dimension, `_` an
// input left out. `as id` names a node, `a.b.Op` has the domain a.b. A model may begin with lines `opset 17`, `opset a.b 1`,
// and functions: `function a.b.F (x, y) -> (z) {...}`. `#` begins a comment.
import { utf8 } from '../base/bytes.ts'
import { byteLength, bytesOf, type DType, elementCount, isFloat } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { createRng } from '../base/rng.ts'
import type { Attr, Dim, FunctionDef, Graph, Model, Node, Value, ValueName } from './model.ts'
import type { Tensor } from './tensor.ts'
import { dtypeOfShortName, elementsBytes, parseFloatText } from './text-form.ts'
import { sortNodes } from './verify.ts'

interface Token {
  kind: 'word' | 'quoted' | 'mark' | 'end'
  text: string
  line: number
}

interface Type {
  dtype: DType
  shape: Dim[] | null
}

/** Reads one graph. Weights without values are filled from `seed` and their name. */
export const parseGraph = (text: string, seed = 0): Graph => {
  const parser = createParser(text, seed)
  const graph = parser.graph()
  parser.end()
  return graph
}

/** Reads a model; without `opset` lines it has none. */
export const parseModel = (text: string, seed = 0): Model => createParser(text, seed).model()

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  const pattern = /(\n)|[ \t\r]+|#[^\n]*|"((?:[^"\\]|\\.)*)"|(->|[()[\]{},=:@])|((?:(?!->)[^\s()[\]{},=:@"#])+)/gy
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(text)
    if (!match) throw fault(`character ${JSON.stringify(text[at])}`, line)
    if (match[1]) line++
    else if (match[2] !== undefined) tokens.push({ kind: 'quoted', text: JSON.parse(`"${match[2]}"`), line })
    else if (match[3]) tokens.push({ kind: 'mark', text: match[3], line })
    else if (match[4]) tokens.push({ kind: 'word', text: match[4], line })
  }
  tokens.push({ kind: 'end', text: 'the end', line })
  return tokens
}

const fault = (found: string, line: number, wanted?: string): StudioError =>
  new StudioError('malformed', `Line ${line} of the text: ${found}${wanted ? ` where ${wanted} was expected` : ''}`, {
    hint: 'Compare with the example at the head of src/ir/parse.ts.',
  })

function createParser(text: string, seed: number) {
  const tokens = tokenize(text)
  let at = 0
  let unnamed = 0

  const peek = (ahead = 0): Token => tokens[Math.min(at + ahead, tokens.length - 1)]
  const is = (mark: string, ahead = 0): boolean => peek(ahead).kind === 'mark' && peek(ahead).text === mark
  const isWord = (word: string): boolean => peek().kind === 'word' && peek().text === word
  const take = (): Token => tokens[at < tokens.length - 1 ? at++ : at]
  const wrong = (wanted: string): StudioError => fault(JSON.stringify(peek().text), peek().line, wanted)
  const accept = (mark: string): boolean => is(mark) && take() !== undefined
  const expect = (mark: string): void => {
    if (!accept(mark)) throw wrong(`'${mark}'`)
  }
  const word = (wanted: string): string => {
    if (peek().kind !== 'word' && peek().kind !== 'quoted') throw wrong(wanted)
    return take().text
  }
  const list = <T>(open: string, close: string, item: () => T): T[] => {
    expect(open)
    const items: T[] = []
    while (!is(close)) {
      items.push(item())
      if (!accept(',')) break
    }
    expect(close)
    return items
  }

  const isType = (): boolean => peek().kind === 'word' && dtypeOfShortName(peek().text) !== null && is('[', 1)
  const dim = (): Dim => {
    if (peek().kind === 'quoted') return take().text
    const text = word('a dimension')
    return text === '?' ? null : /^-?\d+$/.test(text) ? Number(text) : text
  }
  const type = (): Type => {
    const dtype = dtypeOfShortName(word('a type'))
    if (!dtype) throw wrong('a type')
    return { dtype, shape: is('[') ? list('[', ']', dim) : null }
  }
  const fixed = (type: Type): number[] => {
    const { shape } = type
    if (shape === null || !shape.every(d => typeof d === 'number')) throw wrong('a tensor of fixed shape')
    return shape
  }

  /** Values in braces, or the seeded filling. */
  const tensor = (type: Type, name: string, positive = false): Tensor => {
    const shape = fixed(type)
    const { dtype } = type
    const count = elementCount(shape)
    const fill = (make: () => string): Tensor => ({
      dtype,
      shape,
      data: elementsBytes(dtype, Array.from({ length: count }, make)),
    })
    const rng = createRng(seed, name)
    const between = (low: number, high: number): Tensor =>
      isFloat(dtype)
        ? fill(() => String(low + (high - low) * rng.uniform()))
        : fill(() => String(low + rng.below(high - low + 1)))
    if (is('{')) {
      const quoted = peek(1).kind === 'quoted'
      const words = list('{', '}', () => word('a value'))
      if (dtype === 'string') return { dtype, shape, data: stringData(words) }
      const range = !quoted && words.length === 1 ? /^(.*[^.])?\.\.([^.].*)?$/.exec(words[0]) : null
      if (range?.[1] !== undefined) return between(Number(range[1]), Number(range[2]))
      if (!range) {
        if (words.length === 1) return fill(() => words[0])
        if (words.length !== count) throw fault(`${words.length} values`, peek().line, `${count} for ${name}`)
        return { dtype, shape, data: elementsBytes(dtype, words) }
      }
    }
    if (dtype === 'string') throw wrong('the values of a string tensor')
    if (dtype === 'float32' && !positive) {
      const fanIn = shape.length > 1 ? elementCount(shape.slice(1)) : 4
      const scale = 1 / Math.sqrt(Math.max(1, fanIn))
      return { dtype, shape, data: bytesOf(Float32Array.from({ length: count }, () => rng.normal() * scale)) }
    }
    if (isFloat(dtype)) return between(positive ? 0.5 : -1, positive ? 1.5 : 1)
    return dtype === 'bool' || byteLength(dtype, 8) < 8 ? between(0, 1) : between(0, 9)
  }

  const attribute = (): Attr => {
    if (is('@')) {
      take()
      const name = word('the name of an attribute')
      expect(':')
      return { kind: 'ref', name, type: Number(word('a type number')) }
    }
    if (is('[')) {
      const items = list('[', ']', attribute)
      const kinds = new Set(items.map(i => i.kind))
      const values = items.map(i => ('value' in i ? i.value : null)) as never[]
      if (kinds.has('float')) return { kind: 'floats', value: values.map(Number) }
      if (kinds.has('string')) return { kind: 'strings', value: values }
      if (kinds.has('tensor')) return { kind: 'tensors', value: values }
      if (kinds.has('graph')) return { kind: 'graphs', value: values }
      return { kind: 'ints', value: values }
    }
    if (isWord('graph')) return { kind: 'graph', value: graph() }
    if (isType()) {
      const of = type()
      return { kind: 'tensor', value: tensor(of, `value of line ${peek().line}`) }
    }
    if (peek().kind === 'quoted') return { kind: 'string', value: utf8(take().text) }
    const text = word('an attribute')
    if (text === 'hex' && peek().kind === 'quoted') return { kind: 'string', value: fromHex(take().text) }
    if (text === 'raw' && peek().kind === 'quoted') return { kind: 'raw', wire: fromHex(take().text) }
    if (/^-?\d+$/.test(text)) {
      const value = Number(text)
      return { kind: 'int', value: Number.isSafeInteger(value) ? value : BigInt(text) }
    }
    const value = parseFloatText(text)
    if (Number.isNaN(value) && text !== 'nan') throw fault(JSON.stringify(text), peek().line, 'an attribute')
    return { kind: 'float', value: Math.fround(value) }
  }

  const graph = (kind = 'graph'): Graph => {
    if (!isWord(kind)) throw wrong(kind)
    take()
    const name = is('(') ? kind : word('a name')
    const values = new Map<ValueName, Value>()
    const declare = (name: ValueName, of: Type | null, data: Tensor | null): void => {
      const old = values.get(name)
      const dtype = of?.dtype ?? old?.dtype ?? null
      values.set(name, { name, dtype, shape: of ? of.shape : (old?.shape ?? null), data: data ?? old?.data ?? null })
    }
    const declared = (): ValueName => {
      const name = word('a name')
      const of = accept(':') ? type() : null
      if (of) declare(name, of, is('{') ? tensor(of, name) : null)
      return name
    }
    const operand = (op: string, position: number): ValueName | null => {
      if (isWord('_')) {
        take()
        return null
      }
      const positive = op === 'BatchNormalization' && position === 4
      if (isType()) {
        const of = type()
        const name = `const_${++unnamed}`
        declare(name, of, tensor(of, name, positive))
        return name
      }
      const name = word('an operand')
      if (accept(':')) {
        const of = type()
        declare(name, of, tensor(of, name, positive))
      }
      return name
    }

    const inputs = list('(', ')', declared)
    expect('->')
    const outputs = list('(', ')', declared)
    const nodes: Node[] = []
    expect('{')
    while (!accept('}')) {
      const results: (ValueName | null)[] = []
      const types: (Type | null)[] = []
      do {
        const result = word('a name')
        results.push(result === '_' ? null : result)
        types.push(accept(':') ? type() : null)
      } while (accept(','))
      results.forEach((result, i) => {
        if (result !== null && types[i]) declare(result, types[i], null)
      })
      if (!is('=')) {
        const [name] = results
        const [of] = types
        if (results.length !== 1 || name === null || !of) throw wrong("'='")
        declare(name, of, tensor(of, name))
        continue
      }
      expect('=')
      const quoted = peek().kind === 'quoted'
      const full = word('an operator')
      const dot = quoted ? -1 : full.lastIndexOf('.')
      const op = full.slice(dot + 1)
      const operands: (ValueName | null)[] = []
      list('(', ')', () => operands.push(operand(op, operands.length)))
      const attrs = new Map<string, Attr>()
      if (is('{'))
        list('{', '}', () => {
          const key = word('the name of an attribute')
          expect('=')
          attrs.set(key, attribute())
        })
      let id = results.find(r => r !== null) ?? `${op}_${nodes.length}`
      if (isWord('as')) {
        take()
        id = word('a name')
      }
      const domain = dot < 0 ? '' : full.slice(0, dot)
      nodes.push({ id, op, domain, name: id, inputs: operands, outputs: results, attrs, origin: [id] })
    }
    return { name, inputs, outputs, nodes: sortNodes(nodes), values }
  }

  const model = (): Model => {
    const opsets: Record<string, number> = {}
    const functions: FunctionDef[] = []
    while (isWord('opset')) {
      take()
      const first = word('a version')
      const versioned = peek().kind === 'word' && /^\d+$/.test(peek().text)
      opsets[versioned ? first : ''] = Number(versioned ? take().text : first)
    }
    while (isWord('function')) functions.push(definition(opsets))
    const main = graph()
    if (peek().kind !== 'end') throw wrong('the end')
    const producer = { name: '', version: '', domain: '', modelVersion: 0 }
    return { graph: main, functions, opsets, irVersion: 10, meta: {}, producer }
  }

  /** `function a.b.F (x) -> (y) {...}`: its parameters are the attributes that the body refers to with `@`. */
  const definition = (opsets: Record<string, number>): FunctionDef => {
    const body = graph('function')
    const dot = body.name.lastIndexOf('.')
    const attributes = new Set<string>()
    for (const node of body.nodes) for (const a of node.attrs.values()) if (a.kind === 'ref') attributes.add(a.name)
    const name = body.name.slice(dot + 1)
    return {
      name,
      domain: body.name.slice(0, Math.max(0, dot)),
      graph: { ...body, name },
      attributes: [...attributes],
      opsets: { ...opsets },
    }
  }

  const end = (): void => {
    if (peek().kind !== 'end') throw wrong('the end')
  }
  return { graph: () => graph(), model, end }
}

/** The wire form of TensorProto.string_data (field 6, length-delimited). */
function stringData(words: readonly string[]): Uint8Array {
  const out: number[] = []
  for (const word of words) {
    const bytes = utf8(word)
    out.push(0x32)
    let rest = bytes.length
    for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128)
    out.push(rest, ...bytes)
  }
  return Uint8Array.from(out)
}

const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
