// Valid random networks of all constructs that channels are followed through, as text, from a list of choices that fast-check can shrink.
import fc from 'fast-check'

export interface Choice {
  kind: number
  a: number
  b: number
}

export interface Sketch {
  steps: readonly Choice[]
  head: number
  opset: number
}

export const sketch: fc.Arbitrary<Sketch> = fc.record({
  steps: fc.array(fc.record({ kind: fc.nat(99), a: fc.nat(999), b: fc.nat(999) }), { minLength: 2, maxLength: 14 }),
  head: fc.nat(99),
  opset: fc.constantFrom(11, 13, 17, 18),
})

interface Map {
  name: string
  channels: number
  size: number
}

/** A network over x: f32[N,4,8,8]. */
export function textOf({ steps, head, opset }: Sketch): string {
  const lines: string[] = []
  const maps: Map[] = []
  let fresh = 0
  const emit = (op: string, operands: string, channels: number, size: number, attrs = '', results = 1): Map => {
    const names = Array.from({ length: results }, () => `v${fresh++}`)
    lines.push(`${names.join(', ')} = ${op}(${operands}) ${attrs}`)
    return { name: names[0], channels, size }
  }
  const put = (map: Map): Map => {
    maps.push(map)
    return map
  }
  const f = (...shape: number[]): string => `w${fresh++}: f32[${shape}]`
  const ints = (...values: number[]): string => `p${fresh++}: i64[${values.length}]{${values.join(',')}}`
  const conv = (x: Map, to: number, kernel = 3, groups = 1, attrs = '') => {
    const pad = (kernel - 1) / 2
    return emit(
      'Conv',
      `${x.name}, ${f(to, x.channels / groups, kernel, kernel)}, ${f(to)}`,
      to,
      x.size,
      `{pads=[${pad},${pad},${pad},${pad}], group=${groups}${attrs}}`,
    )
  }
  put(conv({ name: 'x', channels: 4, size: 8 }, 6))

  for (const { kind, a, b } of steps) {
    const x = maps.at(-1)!
    const { channels: c, size } = x
    const even = c % 2 === 0
    const made: (() => Map)[] = [
      () => conv(x, 2 + (a % 9), a % 2 ? 1 : 3),
      () => conv(x, 2 + (a % 9)),
      () => conv(x, c * (1 + (a % 2)), 3, c), // depthwise, with a multiplier
      () => (even ? conv(x, 2 * (1 + (a % 5)), 3, 2) : conv(x, c, 1)),
      () => (c % 3 === 0 ? conv(x, 3 * (1 + (a % 4)), 1, 3) : conv(x, c, 1)),
      () =>
        emit('BatchNormalization', `${x.name}, ${f(c)}, ${f(c)}, ${f(c)}, n${fresh++}: f32[${c}]{0.5..1.5}`, c, size),
      () => emit(['Relu', 'Sigmoid', 'HardSigmoid', 'LeakyRelu'][a % 4], x.name, c, size),
      () => emit('PRelu', `${x.name}, ${f(c, 1, 1)}`, c, size),
      () => emit(a % 2 ? 'Mul' : 'Add', `${x.name}, ${f(...(b % 2 ? [c, 1, 1] : [1, c, 1, 1]))}`, c, size),
      () => {
        // A residual sum.
        const same = maps.filter(m => m.channels === c && m.size === size)
        return emit('Add', `${x.name}, ${same[a % same.length].name}`, c, size)
      },
      () => {
        const inner = emit('Relu', conv(x, 2 + (a % 6)).name, 2 + (a % 6), size)
        return emit('Add', `${conv(inner, c).name}, ${x.name}`, c, size)
      },
      () => {
        const near = maps.filter(m => m.size === size && m.channels < 13)
        const other = near[a % near.length]
        return other ? emit('Concat', `${x.name}, ${other.name}`, c + other.channels, size, '{axis=1}') : x
      },
      () => {
        // Parts, joined in the other order.
        if (c < 3) return x
        const first = 1 + (a % (c - 1))
        const sizes = [first, c - first]
        const at = fresh
        if (opset < 13) emit('Split', x.name, first, size, `{axis=1, split=[${sizes}]}`, 2)
        else emit('Split', `${x.name}, s${fresh}: i64[2]{${sizes}}`, first, size, '{axis=1}', 2)
        return emit('Concat', `v${at + 1}, v${at}`, c, size, '{axis=1}')
      },
      () => {
        // Halves without given lengths.
        if (!even || opset >= 18) return x
        const at = fresh
        emit('Split', x.name, c / 2, size, '{axis=1}', 2)
        return emit('Add', `v${at}, v${at + 1}`, c / 2, size)
      },
      () => {
        const from = a % c
        const to = from + 1 + (b % (c - from))
        const ends = [to, to - c || 2147483647][b % 2]
        return emit('Slice', `${x.name}, ${ints(from)}, ${ints(ends)}, ${ints(1)}`, to - from, size)
      },
      () => {
        // As the first residual networks made their shortcuts fit.
        const [before, after] = [a % 3, b % 4]
        const half = size > 3
        const sliced = half
          ? emit('Slice', `${x.name}, ${ints(0, 0)}, ${ints(99, 99)}, ${ints(2, 3)}, ${ints(2, 2)}`, c, size / 2)
          : x
        const padded = emit(
          'Pad',
          `${sliced.name}, ${ints(0, before, 0, 0, 0, after, 0, 0)}`,
          c + before + after,
          sliced.size,
        )
        const strided = half ? `${', strides=[2,2]'}` : ''
        const main = conv(x, padded.channels, 3, 1, strided)
        return emit('Add', `${main.name}, ${padded.name}`, padded.channels, padded.size)
      },
      () => {
        if (size < 4) return x
        const op = a % 2 ? 'MaxPool' : 'AveragePool'
        return emit(op, x.name, c, size / 2, '{kernel_shape=[2,2], strides=[2,2]}')
      },
      () => {
        // Channels shuffled between groups.
        const groups = c % 3 === 0 ? 3 : 2
        if (c % groups !== 0) return x
        const wide = emit('Reshape', `${x.name}, ${ints(0, groups, c / groups, size, size)}`, c, size)
        const turned = emit('Transpose', wide.name, c, size, '{perm=[0,2,1,3,4]}')
        return emit('Reshape', `${turned.name}, ${ints(0, a % 2 ? c : -1, size, size)}`, c, size)
      },
      () => {
        const last = emit('Transpose', x.name, c, size, '{perm=[0,2,3,1]}')
        const scaled = emit('Mul', `${last.name}, ${f(c)}`, c, size)
        return emit('Transpose', scaled.name, c, size, '{perm=[0,3,1,2]}')
      },
      () => {
        // Squeeze and excite.
        const pooled = emit('GlobalAveragePool', x.name, c, 1)
        const squeezed = emit('Relu', conv(pooled, 2 + (a % 4), 1).name, 2 + (a % 4), 1)
        const gate = emit('Sigmoid', conv(squeezed, c, 1).name, c, 1)
        return emit('Mul', `${x.name}, ${gate.name}`, c, size)
      },
      () => {
        if (size > 4) return x
        const to = 2 + (a % 6)
        const attrs = '{kernel_shape=[2,2], strides=[2,2]}'
        return emit('ConvTranspose', `${x.name}, ${f(c, to, 2, 2)}, ${f(to)}`, to, 2 * size, attrs)
      },
      () => {
        if (size > 4 || !even) return x
        const attrs = '{kernel_shape=[2,2], strides=[2,2], group=2}'
        return emit('ConvTranspose', `${x.name}, ${f(c, 1 + (a % 3), 2, 2)}`, 2 * (1 + (a % 3)), 2 * size, attrs)
      },
      () => {
        // Two layers with one weight.
        const weight = `w${fresh++}`
        const first = emit('Conv', `${x.name}, ${weight}: f32[${c},${c},1,1]`, c, size)
        const between = emit('Relu', first.name, c, size)
        return emit('Conv', `${between.name}, ${weight}`, c, size)
      },
      () => {
        const picked = Array.from({ length: 1 + (a % c) }, (_, i) => (i * 3 + b) % c)
        return emit('Gather', `${x.name}, ${ints(...picked)}`, picked.length, size, '{axis=1}')
      },
      () => {
        if (c % 4 !== 0 || size > 4) return x
        return emit('DepthToSpace', x.name, c / 4, 2 * size, `{blocksize=2, mode="${a % 2 ? 'CRD' : 'DCR'}"}`)
      },
      () => {
        if (size < 2 || c > 4) return x
        return emit('SpaceToDepth', x.name, 4 * c, size / 2, '{blocksize=2}')
      },
      () => emit('ReduceMax', opset >= 18 ? `${x.name}, ${ints(1)}` : x.name, 1, size, opset >= 18 ? '' : '{axes=[1]}'),
      () => emit('Softmax', x.name, c, size, '{axis=1}'),
      () => (size > 4 ? x : emit('Resize', `${x.name}, f32[0]{}, f32[4]{1,1,2,2}`, c, 2 * size, '{mode="nearest"}')),
      () => emit('InstanceNormalization', `${x.name}, ${f(c)}, ${f(c)}`, c, size),
    ]
    const next = made[kind % made.length]()
    if (next !== x) put(next)
  }

  const { name, channels: c, size } = maps.at(-1)!
  const tokens = size * size
  const heads: (() => void)[] = [
    () => {
      const row = emit('Flatten', emit('GlobalAveragePool', name, c, 1).name, c, 1)
      lines.push(`y = Gemm(${row.name}, ${f(5, c)}, ${f(5)}) {transB=1}`)
    },
    () => {
      const row = emit('Flatten', name, c, 1)
      const hidden = emit('Relu', emit('Gemm', `${row.name}, ${f(c * tokens, 7)}, ${f(7)}`, 7, 1).name, 7, 1)
      lines.push(`y = MatMul(${hidden.name}, ${f(7, 3)})`)
    },
    () => {
      // Channels last, then a row of them.
      const last = emit('Transpose', name, c, size, '{perm=[0,2,3,1]}')
      const row = emit('Reshape', `${last.name}, ${ints(0, c * tokens)}`, c, 1)
      lines.push(`y = Gemm(${row.name}, ${f(c * tokens, 4)})`)
    },
    () => {
      // A transformer's block: attention of 3 heads, then a wide layer.
      const sequence = emit('Reshape', `${name}, ${ints(0, c, tokens)}`, c, 1)
      const turned = emit('Transpose', sequence.name, c, 1, '{perm=[0,2,1]}')
      const embedded = emit('MatMul', `${turned.name}, ${f(c, 8)}`, 8, 1)
      const split = (perm: string): string => {
        const made = emit('Add', `${emit('MatMul', `${embedded.name}, ${f(8, 12)}`, 12, 1).name}, ${f(12)}`, 12, 1)
        const four = emit('Reshape', `${made.name}, ${ints(0, tokens, 3, 4)}`, 12, 1)
        return emit('Transpose', four.name, 12, 1, `{perm=[${perm}]}`).name
      }
      const scores = emit('MatMul', `${split('0,2,1,3')}, ${split('0,2,3,1')}`, 3, 1)
      const weights = emit('Softmax', scores.name, 3, 1, '{axis=-1}')
      const mixed = emit('MatMul', `${weights.name}, ${split('0,2,1,3')}`, 3, 1)
      const back = emit('Transpose', mixed.name, 3, 1, '{perm=[0,2,1,3]}')
      const joined = emit('Reshape', `${back.name}, ${ints(0, 0, 12)}`, 12, 1)
      const out = emit('Add', `${emit('MatMul', `${joined.name}, ${f(12, 8)}`, 8, 1).name}, ${embedded.name}`, 8, 1)
      const wide = emit('Erf', emit('MatMul', `${out.name}, ${f(8, 20)}`, 20, 1).name, 20, 1)
      lines.push(`y = MatMul(${wide.name}, ${f(20, 2)})`)
    },
    () => {
      const mean = emit(
        'ReduceMean',
        opset >= 18 ? `${name}, ${ints(2, 3)}` : name,
        c,
        1,
        opset >= 18 ? '{keepdims=0}' : '{axes=[2,3], keepdims=0}',
      )
      lines.push(`y = Gemm(${mean.name}, ${f(c, 3)}, ${f(3)})`)
    },
    () => lines.push(`y = Identity(${name})`),
    () => {
      const shape = emit('Shape', name, 4, 1)
      const batch = emit('Gather', `${shape.name}, q${fresh}: i64[1]{0}`, 1, 1)
      const wanted = emit('Concat', `${batch.name}, ${ints(-1)}`, 2, 1, '{axis=0}')
      const row = emit('Reshape', `${name}, ${wanted.name}`, c, 1)
      lines.push(`y = Gemm(${row.name}, ${f(c * tokens, 4)})`)
    },
  ]
  heads[head % heads.length]()
  return `graph (x: f32[N,4,8,8]) -> (y) {\n${lines.map(line => `  ${line}\n`).join('')}}`
}
