// Ranges of calibration: the forms of the runtimes' tools, and files that ranges come from.
import type { Pair } from '../translator.ts'

export const ranges: readonly Pair[] = [
  ['Computed as by', '计算方式'],
  ['Ranges by {method} have no form of {asked}', '{method} 范围没有 {asked} 的计算方式'],
  [
    'Leave the form to auto, or choose another range than {method}.',
    '请将计算方式保留为 auto，或选择 {method} 以外的范围方法。',
  ],
]
