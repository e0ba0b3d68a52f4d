/** What waits for its turn. */
export interface Turn {
  /** Two turns that share one follow each other. */
  readonly lanes: ReadonlySet<string>;
  readonly begin: () => void;
}

/**
 * Lets groups with records of the same key be logged and stored one after the other, others at the same time.
 *
 * T1. A turn begins when no turn before it that shares a lane is under way, or waits.
 */
export class GroupTurns<T extends Turn> {
  /** Under way and waiting, in their order. */
  private turns: T[] = [];
  private readonly begun = new Set<T>();

  add(turn: T): void {
    this.turns.push(turn);
    this.beginFree();
  }

  ended(turn: T): void {
    this.begun.delete(turn);
    this.turns = this.turns.filter((each) => each !== turn);
    this.beginFree();
  }

  /** Removes and returns the turns that have not begun. */
  clear(): readonly T[] {
    const waiting = this.turns.filter((turn) => !this.begun.has(turn));
    this.turns = this.turns.filter((turn) => this.begun.has(turn));
    return waiting;
  }

  /** T1 */
  private beginFree(): void {
    const taken = new Set<string>();
    const free: T[] = [];
    for (const turn of this.turns) {
      if (!this.begun.has(turn) && [...turn.lanes].every((lane) => !taken.has(lane))) free.push(turn);
      for (const lane of turn.lanes) taken.add(lane);
    }
    for (const turn of free) this.begun.add(turn);
    for (const turn of free) turn.begin();
  }
}
