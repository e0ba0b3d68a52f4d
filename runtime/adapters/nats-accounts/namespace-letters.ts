import type { FlowKey } from '../../api-contract/flow-key';
import type {
  LetterOrder,
  LetterPlace,
  LetterRecord,
  Letters,
  ReadLetters,
  Redrive,
  RedriveOrder,
} from '../../controller/ports/letters';
import type { StoredLetter } from '../../engine/letters/stored-letter';
import type { NamespaceLinks } from './namespace-links';

/** The dead letters of flows, each in the account of its namespace. */
export class NamespaceLetters implements Letters {
  constructor(private readonly links: NamespaceLinks) {}

  /** The link stays open as long as letters are read. */
  async *read(flow: FlowKey, which: ReadLetters): AsyncGenerator<StoredLetter> {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const letters = new Promise<Letters>((resolve, reject) => {
      this.in(flow, async (opened) => {
        resolve(opened);
        await ended;
      }).catch(reject);
    });
    try {
      yield* (await letters).read(flow, which);
    } finally {
      end();
    }
  }

  recordOf(flow: FlowKey, payload: Uint8Array): Promise<LetterRecord> {
    return this.in(flow, (letters) => letters.recordOf(flow, payload));
  }

  redriving(flow: FlowKey): Promise<ReadonlySet<number>> {
    return this.in(flow, (letters) => letters.redriving(flow));
  }

  redrive(flow: FlowKey, chosen: readonly StoredLetter[], order: RedriveOrder): Promise<number> {
    return this.in(flow, (letters) => letters.redrive(flow, chosen, order));
  }

  redrives(flow: FlowKey): Promise<readonly Redrive[]> {
    return this.in(flow, (letters) => letters.redrives(flow));
  }

  cancel(flow: FlowKey, redrive: string, at: string): Promise<number | undefined> {
    return this.in(flow, (letters) => letters.cancel(flow, redrive, at));
  }

  move(flow: FlowKey, chosen: readonly StoredLetter[], to: LetterPlace, order: LetterOrder): Promise<number> {
    return this.in(flow, (letters) => letters.move(flow, chosen, to, order));
  }

  private in<T>({ namespace }: FlowKey, work: (letters: Letters) => Promise<T>): Promise<T> {
    return this.links.use(namespace, ({ letters }) => work(letters));
  }
}
