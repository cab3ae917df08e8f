// A variant's model as its bundle holds it: where it takes pixels, without what turns prepared samples back into them.
import type { Model } from '../ir/model.ts'
import { fromPixels } from '../stages/quantize/raw-input.ts'
import type { Variant } from './state.ts'

export const writtenModel = ({ model, raw }: Variant): Model => fromPixels(model, raw)
