// What an exporter is: it writes a model in a target's own format. The bundle around it (manifest, samples, golden vectors) is made by jobs.
import type { OutFile } from '../base/bytes.ts'
import type { Bytes } from '../ir/context.ts'
import type { Model } from '../ir/model.ts'
import type { Target } from '../ir/target.ts'

export interface Written {
  files: OutFile[] // model files only, paths relative to the bundle
  roles: Record<string, string> // role to path, as in the manifest
  notes: string[] // what the format cannot express, and what was done instead
}

export interface Exporter {
  id: string
  label: string
  forms: readonly string[]
  write(model: Model, target: Target, options: { form: string; bytes: Bytes }): Promise<Written>
}
