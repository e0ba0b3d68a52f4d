/** The way from the document's root to a value: keys of maps and indexes of lists. */
export type DocumentPath = readonly (string | number)[];

/** A path as it is written for people: `dag[1].meta.max.poll.interval.ms`. */
export function formatPath(path: DocumentPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The value at a path of plain data; undefined where the path leaves it. */
export function valueAt(root: unknown, path: DocumentPath): unknown {
  let value: unknown = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { readonly [key: string | number]: unknown })[step];
  }
  return value;
}
