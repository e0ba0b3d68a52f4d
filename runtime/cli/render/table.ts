import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string | Cell;
  readonly align?: 'right';
  /** Columns that give way, the highest first, where a terminal is too narrow for all. */
  readonly dispensable?: number;
  /** Where even then there is no room, its texts are cut to what room there is. */
  readonly isCut?: true;
}

/** Where a text is shown: a file takes any width and no colours. */
export interface Medium {
  /** Characters of a line; left out, as many as there are. */
  readonly width?: number;
  readonly hasColors?: boolean;
}

const gap = '  ';

/** A table without a frame, its columns as wide as what is in them. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], medium: Medium = {}): string {
  const width = medium.width ?? Number.POSITIVE_INFINITY;
  const laid = cut(
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
  readonly column: Pick<Column<never>, 'align' | 'dispensable' | 'isCut'>;
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
  return { column, head, cells, width: Math.max(...[head, ...cells].map(({ text }) => text.length)) };
}

function widthOf(laid: readonly LaidColumn[]): number {
  return laid.reduce((sum, each) => sum + each.width, gap.length * (laid.length - 1));
}

function cut(laid: readonly LaidColumn[], width: number): readonly LaidColumn[] {
  const excess = widthOf(laid) - width;
  if (excess <= 0) return laid;
  return laid.map((each) => {
    if (each.column.isCut !== true) return each;
    const room = Math.max(each.head.text.length, each.width - excess);
    const cells = each.cells.map(({ text, ...cell }) => ({
      ...cell,
      text: text.length <= room ? text : `${text.slice(0, room - 1)}…`,
    }));
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
  const space = ' '.repeat(width - text.length);
  const shown = painted(text, style, medium);
  return column.align === 'right' ? space + shown : shown + space;
}

/** The text in its style, where there are colours. */
export function painted(text: string, style: Style | undefined, { hasColors }: Medium): string {
  return style === undefined || hasColors !== true ? text : styleText(style, text, { validateStream: false });
}

/** What a stream of this process can show. */
export function mediumOf(stream: NodeJS.WriteStream): Medium {
  if (!stream.isTTY) return {};
  return { width: stream.columns, hasColors: process.env.NO_COLOR === undefined };
}
