import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  heading: string
  cell: (row: Row) => ComponentChildren
}

export interface DataTableProps<Row> {
  caption: string
  columns: Column<Row>[]
  rows: Row[]
  rowKey: (row: Row) => string
}

/**
 * A table that turns into cards on a narrow screen. The stylesheet then lays its parts out as blocks, which
 * makes some browsers forget that it is a table, so the roles are written down. The first column names the
 * row.
 */
export function DataTable<Row>({ caption, columns, rows, rowKey }: DataTableProps<Row>) {
  return (
    // biome-ignore-start lint/a11y: the roles keep the table a table when it is laid out as blocks
    <table class="data-table" role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ heading }) => (
            <th key={heading} scope="col" role="columnheader">
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(row => (
          <tr key={rowKey(row)} role="row">
            {columns.map((column, index) => (
              <Cell key={column.heading} column={column} row={row} first={index === 0} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
    // biome-ignore-end lint/a11y: see above
  )
}

function Cell<Row>({ column, row, first }: { column: Column<Row>; row: Row; first: boolean }) {
  // biome-ignore-start lint/a11y: as above
  if (first) {
    return (
      <th scope="row" role="rowheader">
        {column.cell(row)}
      </th>
    )
  }
  return (
    <td role="cell">
      <span class="cell-heading" aria-hidden="true">
        {column.heading}
      </span>
      <div>{column.cell(row)}</div>
    </td>
  )
  // biome-ignore-end lint/a11y: as above
}
