import type { RenderedFlow } from './render-flows';

/** How to create each Secret that the manifests refer to and that nothing else is said to have made. */
export function secretNotes(flows: readonly RenderedFlow[]): readonly string[] {
  const notes = flows.flatMap(({ namespace, secrets }) =>
    secrets
      .filter((secret) => secret.isGiven !== true)
      .map(({ name, entries, addr }) => {
        const literals = Object.keys(entries).map((key) => `--from-literal=${key}=${key.toUpperCase()}`);
        const place = addr === undefined ? '' : `, for ${addr}`;
        return (
          `secret ${namespace}/${name} is referred to, not written${place}; create it once:\n` +
          `  kubectl create secret generic ${name} --namespace ${namespace} ${literals.join(' ')}`
        );
      }),
  );
  return [...new Set(notes)];
}
