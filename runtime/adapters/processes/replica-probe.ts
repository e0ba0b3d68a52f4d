import { readFileSync } from 'node:fs';
import { get } from 'node:http';

/** Periods before and after the replica is ready for the first time. */
const startupPeriodMs = 100;
const periodMs = 1_000;
const timeoutMs = 5_000;
/** Consecutive probes without a response that make a replica not ready. */
const failureThreshold = 3;
/** Time for which the liveness probe must fail before the replica is restarted. */
const livenessGraceMs = 3_000;

export interface ReplicaProbeProps {
  /** The file to which the replica writes the port of its HTTP endpoint. */
  readonly portFile: string;
  /** Called with each result: undefined when the replica is ready, else the reason why it is not. */
  readonly onReadiness: (reason?: string) => void;
  /** Called when the liveness probe fails for too long. */
  readonly onDead: () => void;
}

interface ProbeResponse {
  readonly isOk: boolean;
  readonly text: string;
}

/** Probes a replica's `/readyz` and `/livez`: every 100 ms until the replica is ready for the first time, then every second. */
export class ReplicaProbe {
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private wasReady = false;
  private failures = 0;
  private deadSince: number | undefined;

  constructor(private readonly props: ReplicaProbeProps) {
    this.schedule();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    const waitMs = this.wasReady ? periodMs : startupPeriodMs;
    this.timer = setTimeout(() => void this.probe().finally(() => this.isClosed || this.schedule()), waitMs);
  }

  private async probe(): Promise<void> {
    const port = this.port();
    if (port === undefined) return;
    const response = await request(port, '/readyz');
    const isDead = response?.isOk === false && (await request(port, '/livez'))?.isOk === false;
    if (this.isClosed) return;
    this.deadSince = isDead ? (this.deadSince ?? Date.now()) : undefined;
    this.failures = response === undefined ? this.failures + 1 : 0;
    if (response !== undefined) {
      this.wasReady ||= response.isOk;
      this.props.onReadiness(response.isOk ? undefined : response.text);
    } else if (this.failures >= failureThreshold) this.props.onReadiness('no response to the readiness probe');
    if (this.deadSince !== undefined && Date.now() - this.deadSince > livenessGraceMs) this.props.onDead();
  }

  private port(): number | undefined {
    return portOf(this.props.portFile);
  }
}

/** A page of the HTTP endpoint of a replica; undefined when the replica does not listen, or does not respond. */
export async function readReplicaPage(portFile: string, page: string): Promise<ProbeResponse | undefined> {
  const port = portOf(portFile);
  return port === undefined ? undefined : request(port, page);
}

/** Undefined when the replica does not listen yet. */
function portOf(portFile: string): number | undefined {
  try {
    return Number(readFileSync(portFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Undefined when the replica does not respond. */
function request(port: number, path: string): Promise<ProbeResponse | undefined> {
  return new Promise((resolve) => {
    const sent = get({ host: '127.0.0.1', port, path, timeout: timeoutMs, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ isOk: response.statusCode === 200, text: text.trim() }));
      response.on('error', () => resolve(undefined));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(undefined));
    sent.on('close', () => resolve(undefined));
  });
}
