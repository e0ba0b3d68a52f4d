import { type KFlowError, StoreError } from '../../../../lib/errors';
import type { LoadedKubeConfig } from './load-kube-config';

/** How often a refused server is asked whether it accepts the credentials now. */
const PROBE_MS = 1_000;

/** Learns whether the server knows who calls. Both functions are called once per change. */
export interface CredentialsListener {
  refused(error: KFlowError): void;
  accepted(): void;
}

export interface ApiCredentialsOptions {
  readonly listener: CredentialsListener;
  /** Sends an authenticated request, which reports its outcome here. */
  readonly probe: () => Promise<unknown>;
}

/**
 * The kubeconfig of a connection, read anew when the server refuses its credentials: a token or certificate may have been
 * replaced on disk, or a credential plugin may issue another one.
 *
 * I1. A call is refused only after it was sent with credentials that were read after the first refusal.
 * I2. From a refusal on, the server is probed until it accepts the credentials.
 */
export class ApiCredentials {
  private isRefused = false;
  private renewing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private current: LoadedKubeConfig,
    private readonly options?: ApiCredentialsOptions,
  ) {}

  get target(): LoadedKubeConfig {
    return this.current;
  }

  /** Sends a call, and once more with fresh credentials if it is refused. `refusalOf` returns the reason of a refusal. */
  async run<T>(send: () => Promise<T>, refusalOf: (outcome: T) => KFlowError | undefined): Promise<T> {
    const { current } = this;
    const first = await this.outcomeOf(send, refusalOf);
    if (first.refusal === undefined) return this.accept(first.get());
    await this.renew(current);
    const second = await this.outcomeOf(send, refusalOf);
    if (second.refusal === undefined) return this.accept(second.get());
    this.refuse(second.refusal);
    return second.get();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  /** A call may return a refusal, or throw one before it is sent. */
  private async outcomeOf<T>(
    send: () => Promise<T>,
    refusalOf: (outcome: T) => KFlowError | undefined,
  ): Promise<{ readonly refusal: KFlowError | undefined; get(): T }> {
    try {
      const outcome = await send();
      return { refusal: refusalOf(outcome), get: () => outcome };
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'credentials-refused') throw error;
      const get = () => {
        throw error;
      };
      return { refusal: error, get };
    }
  }

  /** Reads the kubeconfig, unless another call has done so since `refused` was used. */
  private async renew(refused: LoadedKubeConfig): Promise<void> {
    if (this.current !== refused) return;
    const reload = async () => {
      // a file that is being replaced may be missing for a moment: the present credentials stay
      this.current = await this.current.reload().catch(() => this.current);
      this.renewing = undefined;
    };
    this.renewing ??= reload();
    await this.renewing;
  }

  private accept<T>(outcome: T): T {
    if (!this.isRefused) return outcome;
    this.isRefused = false;
    clearTimeout(this.timer);
    this.options?.listener.accepted();
    return outcome;
  }

  private refuse(error: KFlowError): void {
    if (this.isRefused || this.options === undefined || this.isClosed) return;
    this.isRefused = true;
    this.options.listener.refused(error);
    this.scheduleProbe(this.options.probe);
  }

  private scheduleProbe(probe: () => Promise<unknown>): void {
    const again = async () => {
      // an unreachable server says nothing about the credentials
      await probe().catch(() => undefined);
      if (this.isRefused && !this.isClosed) this.scheduleProbe(probe);
    };
    // a refusal during a probe has scheduled the next one already
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void again(), PROBE_MS).unref();
  }
}
