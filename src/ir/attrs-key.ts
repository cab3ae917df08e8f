// What tells the attributes of one node from those of another.
import { hashBytes } from '../base/hash.ts'
import type { Attr, Attrs } from './model.ts'
import { isSlice, type Tensor } from './tensor.ts'

/** Attributes as plain data, equal for equal ones whatever their order. Throws where one is a graph. */
export const attrsKey = (attrs: Attrs): unknown => [...attrs].map(([name, attr]) => [name, attrKey(attr)]).sort()

/** An attribute as plain data; tensors by content, or by where they lie. */
function attrKey(attr: Attr): unknown {
  const tensorKey = (t: Tensor): unknown => [t.dtype, t.shape, isSlice(t.data) ? t.data : hashBytes(t.data)]
  switch (attr.kind) {
    case 'int':
      return ['int', String(attr.value)]
    case 'ints':
      return ['ints', attr.value.map(String)]
    case 'float':
      return ['float', floatKey(attr.value)]
    case 'floats':
      return ['floats', attr.value.map(floatKey)]
    case 'string':
      return ['string', hashBytes(attr.value)]
    case 'strings':
      return ['strings', attr.value.map(hashBytes)]
    case 'tensor':
      return ['tensor', tensorKey(attr.value)]
    case 'tensors':
      return ['tensors', attr.value.map(tensorKey)]
    case 'raw':
      return ['raw', hashBytes(attr.wire)]
    case 'ref':
      return ['ref', attr.name]
    case 'graph':
    case 'graphs':
      throw new Error('a node with a body has no key')
  }
}

// JSON has no -0, NaN or infinities.
const floatKey = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))
