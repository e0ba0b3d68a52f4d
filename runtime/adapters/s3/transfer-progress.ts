import type { Log, LogSubject } from '../../engine/ports/host';

/** Tells the log how far transfers are. */
export interface ProgressOptions {
  /** Percent, 1 to 100, that a transfer advances between two lines. */
  readonly stepPercent: number;
  readonly log: Log;
}

/** An object that is being read or written. */
export interface Transfer {
  readonly is: 'download' | 'upload';
  readonly bucket: string;
  readonly key: string;
  /** Size of the object; nothing is told of a transfer of an unknown size. */
  readonly bytes: number | undefined;
  readonly about?: LogSubject | undefined;
}

/** The progress of one attempt to transfer an object, in steps of a percentage. */
export class TransferProgress {
  private done = 0;
  private told = 0;

  constructor(
    private readonly transfer: Transfer,
    private readonly options: ProgressOptions,
  ) {}

  add(bytes: number): void {
    const { bytes: total } = this.transfer;
    if (total === undefined || total === 0) return;
    this.done += bytes;
    const percent = Math.floor((100 * this.done) / total);
    if (percent - this.told < this.options.stepPercent) return;
    this.told = percent;
    const { is, bucket, key, about } = this.transfer;
    this.options.log('INFO', `${is} of ${bucket}/${key}: ${percent} % of ${total} bytes`, about);
  }
}
