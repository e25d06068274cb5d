import * as React from 'react';

export interface ITableColumn<Row> {
  id: string;
  title: string;
  /** What the tooltip of the head says instead, if the title is short. */
  fullTitle?: string;
  cell: (row: Row) => React.ReactNode;
  /** A tooltip; the text of the cell without it. */
  text?: (row: Row) => string | undefined;
  className?: string;
}

/** A table without sorting or selection. */
export function DataTable<Row>(props: {
  columns: readonly ITableColumn<Row>[];
  rows: readonly Row[];
  className?: string;
  /** The first column names the row. */
  hasRowHeads?: boolean;
  /** `data-` attributes of a row. */
  rowData?: (row: Row) => Record<string, unknown>;
}): JSX.Element {
  const { columns, rows } = props;
  return (
    <table className={`pyr-data ${props.className ?? ''}`}>
      <thead>
        <tr>
          {columns.map(({ id, title, fullTitle = title, className }) => (
            <th key={id} scope="col" className={className} title={fullTitle}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index} {...props.rowData?.(row)}>
            {columns.map(({ id, cell, text, className }, at) => {
              const shown = cell(row);
              const isHead = props.hasRowHeads && at === 0;
              const Cell = isHead ? 'th' : 'td';
              return (
                <Cell
                  key={id}
                  scope={isHead ? 'row' : undefined}
                  className={className}
                  title={
                    text?.(row) ??
                    (typeof shown === 'string' ? shown : undefined)
                  }
                >
                  {shown}
                </Cell>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
