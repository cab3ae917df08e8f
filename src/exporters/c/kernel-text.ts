// One kernel as text: a function for all its uses. What is the same in all of them stands in it as it is; the rest in a table of structures.
import type { CType, Parameters, Use } from './kernel.ts'
import type { Tables } from './tables.ts'
import { comment, floatLiteral, intLiteral, type Names, typeFor } from './text.ts'

interface Field {
  name: string
  declaration: string
  bytes: number
  /** Of each use. */
  values: readonly string[]
}

const pointerBytes = 4 // on the processors that this is for
const widths: Readonly<Record<CType, number>> = { int8_t: 1, uint8_t: 1, int16_t: 2, int32_t: 4, float: 4 }

export class KernelText {
  private readonly fields: readonly Field[]
  private readonly expressions: Parameters
  private readonly table: string

  constructor(
    private readonly name: string,
    readonly uses: readonly Use[],
    tables: Tables,
    names: Names,
  ) {
    const [first] = uses
    const all = [
      ...Object.keys(first.tables ?? {}).map(key => {
        const { type } = first.tables![key]
        const values = uses.map(use => tables.name(use.tables![key]))
        return { name: key, declaration: `const ${type} *${key}`, bytes: pointerBytes, values }
      }),
      ...Object.keys(first.reals ?? {}).map(key => {
        const values = uses.map(use => floatLiteral(use.reals![key]))
        return { name: key, declaration: `float ${key}`, bytes: 4, values }
      }),
      ...Object.keys(first.numbers).map(key => {
        const numbers = uses.map(use => use.numbers[key])
        const type = typeFor(numbers)
        return { name: key, declaration: `${type} ${key}`, bytes: widths[type], values: numbers.map(intLiteral) }
      }),
    ]
    const isSame = ({ values }: Field): boolean => values.every(value => value === values[0])
    this.fields = all.filter(field => !isSame(field)).sort((a, b) => b.bytes - a.bytes)
    this.expressions = Object.fromEntries(all.map(f => [f.name, isSame(f) ? f.values[0] : `p->${f.name}`]))
    this.table = this.fields.length > 0 ? names.fresh(`${name}_uses`) : ''
  }

  get bytes(): number {
    const one = this.fields.reduce((n, f) => n + f.bytes, 0)
    return this.uses.length * Math.ceil(one / 4) * 4
  }

  /** The structure and its table. */
  parameters(): string[] {
    if (this.fields.length === 0) return []
    const rows = this.uses.map((_, k) => `{${this.fields.map(f => f.values[k]).join(', ')}},`)
    const table = `static const struct ${this.name} ${this.table}[${rows.length}] = {\n${rows.join('\n')}\n};`
    return [`struct ${this.name} {\n${this.fields.map(f => `${f.declaration};`).join('\n')}\n};`, table]
  }

  definition(): string {
    const [{ inputs, output, about, body }] = this.uses
    const pointers = [...inputs.map(i => `const ${i.type} *${i.name}`), `${output.type} *y`]
    const parameters = [...pointers, ...(this.fields.length > 0 ? [`const struct ${this.name} *p`] : [])]
    const text = body(this.expressions).trim()
    return `${comment(about)}\nstatic void ${this.name}(${parameters.join(', ')}) {\n${text}\n}`
  }

  call(use: Use, pointers: readonly string[]): string {
    const own = this.fields.length > 0 ? [`&${this.table}[${this.uses.indexOf(use)}]`] : []
    return `${this.name}(${[...pointers, ...own].join(', ')});`
  }
}
