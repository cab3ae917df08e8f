// Sequences and optionals. They are no tensors, so that only what comes out of them as one has a type here.
// https://onnx.ai/onnx/operators/onnx__SequenceAt.html
import { tensor } from './dims.ts'
import type { OpDef } from './types.ts'

export const sequence: OpDef = {
  type: [
    'SequenceConstruct',
    'SequenceEmpty',
    'SequenceInsert',
    'SequenceErase',
    'SequenceAt',
    'SequenceMap',
    'SplitToSequence',
    'ConcatFromSequence',
    'Optional',
    'OptionalGetElement',
  ],
  infer: () => [],
}

export const sequenceLength: OpDef = { type: 'SequenceLength', infer: () => [tensor('int64', [])] }

export const optionalHasElement: OpDef = { type: 'OptionalHasElement', infer: () => [tensor('bool', [])] }
