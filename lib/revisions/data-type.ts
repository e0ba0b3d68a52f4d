/** The types of inputs and outputs, as documents name them. Requests and answers name them in upper case. */
export const dataTypes = [
  'int',
  'float',
  'string',
  'boolean',
  'series',
  'dataframe',
  'multitsframe',
  'any',
  'plotly',
] as const;

export type DataType = (typeof dataTypes)[number];

/** What a value of a type must be in JSON, as messages say it, and whether a value is that. */
const jsonForms: { readonly [T in DataType]: { readonly want: string; readonly is: (value: unknown) => boolean } } = {
  int: { want: 'an integer', is: Number.isSafeInteger },
  float: { want: 'a number', is: (value) => typeof value === 'number' },
  string: { want: 'text', is: (value) => typeof value === 'string' },
  boolean: { want: 'true or false', is: (value) => typeof value === 'boolean' },
  series: { want: 'a map of values by time or index, or a list', is: isTable },
  dataframe: { want: 'a map of columns, or a list of rows', is: isTable },
  multitsframe: { want: 'a map of columns, or a list of rows', is: isTable },
  any: { want: 'any JSON', is: () => true },
  plotly: { want: 'a map', is: (value) => isTable(value) && !Array.isArray(value) },
};

/** Why a JSON value is none of a type; undefined if it is one. */
export function unfit(type: DataType, value: unknown): string | undefined {
  const { want, is } = jsonForms[type];
  return is(value) ? undefined : want;
}

function isTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
