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
