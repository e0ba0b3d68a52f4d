const startReasons: readonly string[] = ['ContainerCreating', 'PodInitializing', 'NotReady'];

/** Whether a replica's reason says no more than that it is on its way; any other one is a fault. */
export function isStartReason(reason: string): boolean {
  return startReasons.includes(reason);
}
