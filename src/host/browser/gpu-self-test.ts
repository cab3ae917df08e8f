// Does this GPU compute what WASM computes? A small network with the usual operators, and the statistics of its activations:
// floats within a tolerance of the WASM engine's, statistics of the very same buffers equal to the last count.
import { createRng } from '../../base/rng.ts'
import type { KernelSet, Runner } from '../../ir/context.ts'
import { parseModel } from '../../ir/parse.ts'
import type { Observation } from '../../ir/quant.ts'
import { floats } from '../../ir/tensor.ts'

const network = `
opset 17
graph (x: f32[2,3,17,19]) -> (y) {
  c = Conv(x, w1: f32[8,3,3,3]{-0.5..0.5}, b1: f32[8]{-0.1..0.1}) {pads=[1,1,1,1], strides=[2,2]}
  r = Relu(c)
  d = Conv(r, w2: f32[8,1,3,3]{-0.5..0.5}) {pads=[1,1,1,1], group=8}
  s = Add(d, r)
  m = MaxPool(s) {kernel_shape=[2,2], strides=[2,2]}
  f = Flatten(m)
  y = Gemm(f, w3: f32[10,160]{-0.2..0.2}, b3: f32[10]) {transB=1}
}`
const outputs = ['c', 'r', 's', 'y']

// Convolutions on GPUs may use half-precision-like accumulation orders; a wrong result is off by far more.
const tolerance = 1e-3

interface Side {
  runner: Runner
  kernels: KernelSet
}

/** null if the device is right, else what was wrong. */
export async function selfTest(wasm: Side, webgpu: Side): Promise<string | null> {
  const model = parseModel(network)
  const rng = createRng(1)
  const x = floats(
    [2, 3, 17, 19],
    Float32Array.from({ length: 2 * 3 * 17 * 19 }, () => rng.normal()),
  )
  const [truth, device] = await Promise.all([
    wasm.runner.open(model, { outputs }),
    webgpu.runner.open(model, { outputs, location: 'device' }),
  ])
  try {
    const expected = await truth.run({ x })
    const got = await device.run({ x })
    for (const name of outputs) {
      const [a, b] = [expected[name]!.data as Float32Array, got[name]!.data as Float32Array]
      const scale = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      const worst = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
      if (!(worst <= tolerance * scale)) return `${name} differs by ${worst} of ${scale}`
    }
    const onHost = wasm.kernels.observer(outputs, { histogram: true })
    await onHost.add(got)
    const onDevice = webgpu.kernels.observer(outputs, { histogram: true })
    const buffers = await device.runOnDevice!({ x })
    await onDevice.add(buffers)
    const [host, gpu] = [await onHost.finish(), await onDevice.finish()]
    for (const buffer of Object.values(buffers)) buffer.release()
    const different = outputs.find(name => !same(host.get(name)!, gpu.get(name)!))
    return different ? `the statistics of ${different} differ` : null
  } finally {
    await truth.close()
    await device.close()
  }
}

const same = (a: Observation, b: Observation): boolean =>
  a.count === b.count &&
  a.min === b.min &&
  a.max === b.max &&
  a.zeros === b.zeros &&
  String(a.histogram?.keys) === String(b.histogram?.keys) &&
  String(a.histogram?.counts) === String(b.histogram?.counts)
