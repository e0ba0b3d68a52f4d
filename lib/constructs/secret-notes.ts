import type { FlowPlan } from '../plan/flow-plan';

/** How to create each Secret that manifests refer to, once; those that the document names are there already. */
export function secretNotes(plans: readonly Pick<FlowPlan, 'namespace' | 'secrets'>[]): readonly string[] {
  const notes = plans.flatMap(({ namespace, secrets }) =>
    secrets
      .filter((secret) => secret.isGiven !== true)
      .map(({ name, entries, addr }) => {
        const literals = Object.keys(entries).map((key) => `--from-literal=${key}=${key.toUpperCase()}`);
        const place = addr === undefined ? '' : `, for ${addr}`;
        return (
          `secret ${namespace}/${name} is referred to, not written${place}; create it once:\n` +
          `  kubectl create secret generic ${name} --namespace ${namespace} ${literals.join(' ')}\n`
        );
      }),
  );
  return [...new Set(notes)];
}
