// Constants of a graph as float32.
import { viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { fromHalf } from '../base/half.ts'
import type { Bytes } from '../ir/context.ts'
import { elements, type Tensor } from '../ir/tensor.ts'

/** The numbers of a constant of float32 or float16. */
export async function floatsOf(tensor: Tensor, bytes: Pick<Bytes, 'read'>): Promise<Float32Array> {
  const data = await bytes.read(tensor)
  if (tensor.dtype === 'float32') return viewAs('float32', data) as Float32Array
  if (tensor.dtype === 'float16') return Float32Array.from(viewAs('float16', data) as Uint16Array, fromHalf)
  throw new StudioError('unsupported', `A constant of ${elements(tensor)} numbers has the type ${tensor.dtype}`, {
    hint: 'Export the model with float32 weights.',
  })
}
