/** The jobId of a document that does not name one: its file's name made a valid label, `etl_Jobs.v2.yaml` → `etl-jobs-v2`. */
export function jobIdOfFile(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const label = base
    .replace(/\.(ya?ml|json|ts|js)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return label === '' ? 'flow' : label;
}
