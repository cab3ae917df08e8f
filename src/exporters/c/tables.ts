// Constant arrays of a C program; the same small one twice is there once.
import type { Table } from './kernel.ts'
import { bytesOfTable, type Names, tableText } from './text.ts'

// Larger ones are weights, which are looked at by nobody else.
const compared = 4096

export class Tables {
  readonly texts: string[] = []
  bytes = 0
  private readonly known = new Map<string, string>()

  constructor(private readonly names: Names) {}

  /** The name under which a table is written. */
  name(table: Table): string {
    const { type, values } = table
    const key = `${type}: ${values.length <= compared ? Array.from(values).join() : `${table.name} ${values.length}`}`
    const known = this.known.get(key)
    if (known !== undefined) return known
    const name = this.names.fresh(table.name)
    this.known.set(key, name)
    this.texts.push(tableText(name, table))
    this.bytes += bytesOfTable(table)
    return name
  }
}
