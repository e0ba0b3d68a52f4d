/** JetStream's name as one that Kubernetes takes. Ids have no `--`, so two names never become one. */
export function objectName(name: string): string {
  return name.toLowerCase().replaceAll('_', '--');
}
