// Model and data files for the command line: models written as text, arrays as .npz.
import { writeFileSync } from 'node:fs'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Model } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { type BuildOptions, build } from '../build.ts'

export async function saveModel(path: string, model: Model): Promise<string> {
  writeFileSync(path, await encodeModel(model, createBytes(new Map())))
  return path
}

/** A model from its text form, as an .onnx file. */
export const saveText = (path: string, text: string, options?: BuildOptions): Promise<string> =>
  saveModel(path, build(text, options))

export function saveNpz(path: string, arrays: Record<string, NdArray>): string {
  writeFileSync(path, writeNpz(arrays))
  return path
}

export function saveJson(path: string, value: unknown): string {
  writeFileSync(path, JSON.stringify(value))
  return path
}
