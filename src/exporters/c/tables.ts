// Constant arrays of a C program; the same small one twice is there once.
import type { Table } from './kernel.ts'
import type { Scrambler } from './scramble.ts'
import { bytesOfTable, type Names, tableText } from './text.ts'

// Larger ones are weights, which are looked at by nobody else.
const compared = 4096

export class Tables {
  readonly texts: string[] = []
  bytes = 0
  private readonly known = new Map<string, string>()

  constructor(
    private readonly names: Names,
    private readonly scrambler: Scrambler | null = null,
  ) {}

  /** The name under which a table is written. */
  name(table: Table): string {
    const { type, values, secret = false } = table
    const key = `${type}${secret ? ' secret' : ''}: ${values.length <= compared ? Array.from(values).join() : `${table.name} ${values.length}`}`
    const known = this.known.get(key)
    if (known !== undefined) return known
    const name = this.names.fresh(table.name)
    this.known.set(key, name)
    const hides = table.secret ? this.scrambler : null
    this.texts.push(hides ? hides.text(name, this.names.fresh(`${name}_hidden`), table) : tableText(name, table))
    this.bytes += bytesOfTable(table)
    return name
  }
}
