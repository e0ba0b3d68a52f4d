/** `failed`: something does not work. `warning`: it works, and somebody should know or change something. */
export type FindingState = 'ok' | 'warning' | 'failed';

/** One thing that the doctor looked at. */
export interface Finding {
  /** What was looked at: `node`, `nats`, `installation key`, … */
  readonly what: string;
  readonly state: FindingState;
  /** What was found, on one line. It contains no secret. */
  readonly found: string;
  /** What to do, unless nothing is to be done. */
  readonly remedy?: string;
}

export function ok(what: string, found: string): Finding {
  return { what, state: 'ok', found };
}

export function warning(what: string, found: string, remedy: string): Finding {
  return { what, state: 'warning', found, remedy };
}

export function failed(what: string, found: string, remedy: string): Finding {
  return { what, state: 'failed', found, remedy };
}

/** The findings of a check; a check that throws is a finding itself. */
export async function findingsOf(
  what: string,
  remedy: string | ((error: Error) => string),
  check: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n');
    return [failed(what, line, typeof remedy === 'string' ? remedy : remedy(error as Error))];
  }
}
