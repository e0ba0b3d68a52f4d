/** Something that keeps a flow from being healthy. */
export interface Finding {
  readonly function: string;
  readonly replica?: string;
  readonly reason: string;
  /** In one line. */
  readonly message: string;
  /** ISO time, where it is known by itself; else the first time it was found. */
  readonly since?: string;
  readonly weight: 'degraded' | 'unhealthy';
  /** For so long it is no problem but a start. */
  readonly graceMs?: number;
  /** Tells findings with the same reason apart: a stream. */
  readonly about?: string;
}
