import { readFileSync } from 'node:fs';
import { get } from 'node:http';

const untilReadyMs = 100;
const everyMs = 1_000;
const timeoutMs = 5_000;
/** Probes without an answer after which that counts. */
const patience = 3;
/** How long a replica may say that it is dead. */
const deadAfterMs = 3_000;

export interface ReplicaProbeProps {
  /** The replica writes the port to it that it answers at. */
  readonly portFile: string;
  /** `whyNot` left out: it takes records. Told of each answer, and of missing ones when there are too many. */
  readonly onAnswer: (whyNot?: string) => void;
  /** It cannot get any further by itself. */
  readonly onDead: () => void;
}

interface Answer {
  readonly isGood: boolean;
  readonly text: string;
}

/** Asks a replica's `/readyz` every 100 ms until it is ready for the first time, then every second. */
export class ReplicaProbe {
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private wasReady = false;
  private silent = 0;
  private deadSince: number | undefined;

  constructor(private readonly props: ReplicaProbeProps) {
    this.schedule();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    const waitMs = this.wasReady ? everyMs : untilReadyMs;
    this.timer = setTimeout(() => void this.probe().finally(() => this.isClosed || this.schedule()), waitMs);
  }

  private async probe(): Promise<void> {
    const port = this.port();
    if (port === undefined) return;
    const answer = await ask(port, '/readyz');
    const isDead = answer?.isGood === false && (await ask(port, '/livez'))?.isGood === false;
    if (this.isClosed) return;
    this.deadSince = isDead ? (this.deadSince ?? Date.now()) : undefined;
    this.silent = answer === undefined ? this.silent + 1 : 0;
    if (answer !== undefined) {
      this.wasReady ||= answer.isGood;
      this.props.onAnswer(answer.isGood ? undefined : answer.text);
    } else if (this.silent >= patience) this.props.onAnswer('it does not answer its probe');
    if (this.deadSince !== undefined && Date.now() - this.deadSince > deadAfterMs) this.props.onDead();
  }

  private port(): number | undefined {
    try {
      return Number(readFileSync(this.props.portFile, 'utf8'));
    } catch {
      return undefined; // it does not listen yet
    }
  }
}

/** Undefined when there is no answer. */
function ask(port: number, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, timeout: timeoutMs, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ isGood: response.statusCode === 200, text: text.trim() }));
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}
