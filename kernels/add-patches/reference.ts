// The adjoint of kernels/patches: each element of the matrix is added to the element of the image that it came from, in the order of
// the matrix. It takes the gradient of patches back to the image.
import type { Arrays } from '../lib/kernel.ts'
import { eachElement, type PatchShape } from '../patches/reference.ts'

export function reference({ columns, x }: Arrays, shape: PatchShape): void {
  eachElement(shape, (at, source) => {
    if (source >= 0) x[source] += columns[at]
  })
}
