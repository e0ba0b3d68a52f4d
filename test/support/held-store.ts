import type { HostRun } from './host-run';
import { numbered, recordOf } from './host-run';

/** Stores no output until it is opened: the place of outputs that a host waits for. */
export class HeldStore {
  held: (() => void)[] = [];
  private isOpen = false;

  readonly put = (): Promise<void> | undefined =>
    this.isOpen ? undefined : new Promise((resolve) => this.held.push(resolve));

  open(): void {
    this.isOpen = true;
    for (const release of this.held.splice(0)) release();
  }
}

/**
 * Expects that the host sends 64 outputs of record 0, and one more for each that is stored, `steps` times. Leaves the store
 * closed.
 */
export async function expectBackPressure(run: HostRun, steps: number): Promise<HeldStore> {
  const store = new HeldStore();
  run.store = store.put;
  run.host.process([recordOf(0, numbered, { n: 0 })]);
  await run.until(() => store.held.length === 64);
  for (let stored = 1; stored <= steps; stored++) {
    store.held.shift()?.();
    await run.until(() => store.held.length === 64);
    expect(run.outputs.get(0)).toHaveLength(64 + stored);
  }
  expect(run.outcomes.size).toBe(0);
  return store;
}
