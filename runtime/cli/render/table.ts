import { displayWidth, type Medium, painted, type Style, truncated } from './text';

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string | Cell;
  readonly align?: 'right';
  /** On a narrow terminal, columns with this field are dropped, the highest number first. */
  readonly dispensable?: number;
  /** If the table is still too wide, the texts of this column are truncated. */
  readonly isTruncated?: true;
}

const gap = '  ';

/** A table without borders; each column is as wide as its widest text. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], medium: Medium = {}): string {
  const width = medium.width ?? Number.POSITIVE_INFINITY;
  const laid = shortened(
    fitted(
      columns.map((column) => layOut(column, rows)),
      width,
    ),
    width,
  );
  const lines = [-1, ...rows.keys()].map((index) =>
    laid
      .map(({ column, head, cells, width }) => padded(cells[index] ?? head, { width, column, medium }))
      .join(gap)
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

interface LaidColumn {
  readonly column: Pick<Column<never>, 'align' | 'dispensable' | 'isTruncated'>;
  readonly head: Cell;
  readonly cells: readonly Cell[];
  readonly width: number;
}

function layOut<Row>(column: Column<Row>, rows: readonly Row[]): LaidColumn {
  const head = { text: column.head, style: 'dim' } as const;
  const cells = rows.map((row) => {
    const cell = column.cell(row);
    return typeof cell === 'string' ? { text: cell } : cell;
  });
  return { column, head, cells, width: Math.max(...[head, ...cells].map(({ text }) => displayWidth(text))) };
}

function widthOf(laid: readonly LaidColumn[]): number {
  return laid.reduce((sum, each) => sum + each.width, gap.length * (laid.length - 1));
}

function shortened(laid: readonly LaidColumn[], width: number): readonly LaidColumn[] {
  const excess = widthOf(laid) - width;
  if (excess <= 0) return laid;
  return laid.map((each) => {
    if (each.column.isTruncated !== true) return each;
    const room = Math.max(displayWidth(each.head.text), each.width - excess);
    const cells = each.cells.map(({ text, ...cell }) => ({ ...cell, text: truncated(text, room) }));
    return { ...each, cells, width: room };
  });
}

function fitted(laid: readonly LaidColumn[], width: number): readonly LaidColumn[] {
  if (widthOf(laid) <= width) return laid;
  const [first] = [...laid]
    .filter(({ column }) => column.dispensable !== undefined)
    .sort((one, other) => (other.column.dispensable ?? 0) - (one.column.dispensable ?? 0));
  return first === undefined
    ? laid
    : fitted(
        laid.filter((each) => each !== first),
        width,
      );
}

interface Padding {
  readonly width: number;
  readonly column: Pick<Column<never>, 'align'>;
  readonly medium: Medium;
}

function padded({ text, style }: Cell, { width, column, medium }: Padding): string {
  const space = ' '.repeat(width - displayWidth(text));
  const shown = painted(text, style, medium);
  return column.align === 'right' ? space + shown : shown + space;
}
