// Valid random image networks as text, of the operators that run in integers and of some between them that do not.
import { createRng, type Rng } from '../../src/base/rng.ts'

interface Map {
  name: string
  channels: number
  size: number
}

const pick = <T>(rng: Rng, items: readonly T[]): T => items[rng.below(items.length)]

/** The text of a network of about `size` steps over x: f32[N,4,12,12], with a classifier behind it. */
export function randomNetwork(seed: number, size: number): string {
  const rng = createRng(seed, 'random network')
  const lines: string[] = []
  const maps: Map[] = [{ name: 'x', channels: 4, size: 12 }]
  const emit = (op: string, operands: string, channels: number, extent: number, attrs = ''): Map => {
    const made = { name: `v${lines.length}`, channels, size: extent }
    lines.push(`${made.name} = ${op}(${operands}) ${attrs}`)
    maps.push(made)
    return made
  }
  const weights = (shape: readonly number[]): string => `w${lines.length}: f32[${shape}]`
  const bias = (channels: number): string => (rng.below(3) ? `, b${lines.length}: f32[${channels}]` : '')

  const convolution = (x: Map): Map => {
    const kernel = x.size < 3 ? 1 : pick(rng, [1, 3, 3])
    const groups = pick(rng, [1, 1, x.channels % 2 ? 1 : 2, x.channels])
    const to = groups * pick(rng, x.channels / groups > 8 ? [1] : [1, 2, 3])
    const dilation = kernel === 3 && x.size > 6 ? pick(rng, [1, 1, 2]) : 1
    const stride = x.size >= 6 ? pick(rng, [1, 1, 2]) : 1
    const padding = pick(rng, dilation > 1 ? ['pads', 'none'] : ['pads', 'auto_pad', 'none'])
    const reach = dilation * (kernel - 1)
    const pad = padding === 'pads' ? reach / 2 : 0
    const attrs = [`group=${groups}`, `dilations=[${dilation},${dilation}]`, `strides=[${stride},${stride}]`]
    if (padding === 'pads') attrs.push(`pads=[${pad},${pad},${pad},${pad}]`)
    if (padding === 'auto_pad') attrs.push('auto_pad="SAME_UPPER"')
    const extent =
      padding === 'auto_pad' ? Math.ceil(x.size / stride) : Math.floor((x.size + 2 * pad - reach - 1) / stride) + 1
    const operands = `${x.name}, ${weights([to, x.channels / groups, kernel, kernel])}${bias(to)}`
    return emit('Conv', operands, to, extent, `{${attrs.join(', ')}}`)
  }
  const activation = (x: Map): Map => {
    const [op, bounds] = pick(rng, [
      ['Relu', ''],
      ['Relu', ''],
      ['Clip', ', f32[]{0}, f32[]{6}'],
      ['Clip', ', f32[]{-0.7}, f32[]{0.9}'],
      ['LeakyRelu', ''],
      ['Sigmoid', ''],
      ['HardSwish', ''],
    ])
    return emit(op, `${x.name}${bounds}`, x.channels, x.size)
  }
  const pair = (x: Map): Map => {
    const alike = maps.filter(m => m.channels === x.channels && m.size === x.size)
    return emit(pick(rng, ['Add', 'Add', 'Mul']), `${x.name}, ${pick(rng, alike).name}`, x.channels, x.size)
  }
  const constant = (x: Map): Map => {
    const shape = pick(rng, ['', `${x.channels},1,1`, `1,${x.channels},1,1`])
    return emit(pick(rng, ['Add', 'Mul']), `${x.name}, c${lines.length}: f32[${shape}]{0.25..1.5}`, x.channels, x.size)
  }
  const concat = (x: Map): Map => {
    if (x.channels > 8) return activation(x)
    const other = pick(
      rng,
      maps.filter(m => m.size === x.size && m.channels <= 8),
    )
    return emit('Concat', `${x.name}, ${other.name}`, x.channels + other.channels, x.size, '{axis=1}')
  }
  const pool = (x: Map): Map => {
    if (x.size < 4) return convolution(x)
    const op = pick(rng, ['MaxPool', 'AveragePool'])
    return emit(op, x.name, x.channels, Math.floor(x.size / 2), '{kernel_shape=[2,2], strides=[2,2]}')
  }
  const upsample = (x: Map): Map =>
    x.size > 6
      ? convolution(x)
      : emit(
          'Resize',
          `${x.name}, _, f32[4]{1,1,2,2}`,
          x.channels,
          2 * x.size,
          `{mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"}`,
        )
  const turn = (x: Map): Map => {
    const turned = emit('Transpose', x.name, x.channels, x.size, '{perm=[0,2,3,1]}')
    maps.pop()
    return emit('Transpose', turned.name, x.channels, x.size, `{perm=[0,3,${pick(rng, ['1,2', '2,1'])}]}`)
  }
  const norm = (x: Map): Map => {
    const c = x.channels
    return emit(
      'BatchNormalization',
      `${x.name}, f32[${c}]{0.5..2}, f32[${c}], f32[${c}], f32[${c}]{0.5..2}`,
      c,
      x.size,
    )
  }

  const steps = [
    convolution,
    convolution,
    convolution,
    activation,
    activation,
    pair,
    pair,
    constant,
    concat,
    pool,
    upsample,
    turn,
    norm,
  ]
  while (lines.length < size) pick(rng, steps)(rng.below(4) ? maps[maps.length - 1] : pick(rng, maps))

  const last = maps[maps.length - 1]
  lines.push(`g = GlobalAveragePool(${last.name})`, 'f = Flatten(g)')
  const out = 2 + rng.below(8)
  if (rng.below(2)) lines.push(`y = Gemm(f, wy: f32[${out},${last.channels}], by: f32[${out}]) {transB=1}`)
  else lines.push(`y = MatMul(f, wy: f32[${last.channels},${out}])`)
  const further = maps.slice(1).filter(() => rng.below(12) === 0)
  const outputs = ['y', ...further.map(m => m.name)]
  return `graph (x: f32[N,4,12,12]) -> (${outputs.join(', ')}) {\n  ${lines.join('\n  ')}\n}`
}
