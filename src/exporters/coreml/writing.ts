// What is lent to whoever writes a part of an ML Program: the graph, the program, and the types in which it computes.
import type { MilDType } from '../../formats/coreml.ts'
import type { ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { type GraphView, Refused } from '../graph-view.ts'
import type { ProgramBuilder, Val } from './program.ts'

export interface Writing {
  readonly graph: GraphView
  readonly opset: number
  readonly program: ProgramBuilder
  /** What is computed where the graph has float32. */
  readonly float: 'float16' | 'float32'
  /** Float constants of at most 256 different values, with those. */
  readonly palettes: ReadonlyMap<ValueName, Float32Array>
  readonly read: (tensor: Tensor) => Promise<Uint8Array>
  readonly vals: Map<ValueName, Val>
  /** Names of outputs, which are given by the operation that makes them where it makes the type they have outside. */
  readonly publicNames: ReadonlyMap<ValueName, Val>
}

const largestHalf = 65504
export const withinHalf = (value: number): number => Math.min(largestHalf, Math.max(-largestHalf, value))

const castNames: Readonly<Partial<Record<MilDType, string>>> = {
  float16: 'fp16',
  float32: 'fp32',
  int32: 'int32',
  bool: 'bool',
  int8: 'int8',
  uint8: 'uint8',
}

export function castTo(val: Val, dtype: MilDType, wish: string, program: ProgramBuilder, given?: Val): Val {
  const small = [dtype, val.dtype].some(d => d === 'int8' || d === 'uint8')
  if (small) program.needs(8)
  const output = given ?? { name: program.name(wish), dtype, shape: val.shape }
  const name = { dtype: 'string' as const, shape: [], values: [castNames[dtype] ?? dtype] }
  program.op('cast', { x: val, dtype: name }, [output])
  return output
}

/** The type in which the program holds a value of the graph. */
export function milType(name: ValueName, { graph, float }: Pick<Writing, 'graph' | 'float'>): MilDType {
  const value = graph.graph.values.get(name)
  const dtype = value?.data?.dtype ?? value?.dtype ?? 'float32'
  if (dtype === 'float32') return float
  if (dtype === 'float16' || dtype === 'bool' || dtype === 'int8' || dtype === 'uint8') return dtype
  if (/^u?int(16|32|64)$/.test(dtype)) return 'int32'
  throw new Refused(`${name} is of ${dtype}, which Core ML does not have`, 'Export the model with other types.')
}
