// Rows in the order of one column. Empty cells go last either way; rows that are equal keep the order they came in.

export interface Sorting {
  column: string
  down: boolean
}
export interface Sortable<Row> {
  id: string
  key(row: Row): number | string | null
}

export function sorted<Row>(rows: readonly Row[], columns: readonly Sortable<Row>[], by: Sorting): Row[] {
  const column = columns.find(({ id }) => id === by.column)
  if (!column) return [...rows]
  const sign = by.down ? -1 : 1
  return [...rows].sort((a, b) => {
    const [x, y] = [column.key(a), column.key(b)]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    return (x < y ? -1 : x > y ? 1 : 0) * sign
  })
}
