import type { ConsumerProgress } from '../../runtime/engine/completion';
import type { Delivery, DeliverySource } from '../../runtime/engine/ports/delivery';
import type { FlowState } from '../../runtime/engine/ports/flow-state';
import type { PublishAck, Publisher } from '../../runtime/engine/ports/publisher';
import { waitFor } from '../support/wait-for';

/** A replica's end of the streams. */
interface StreamReader {
  readonly source: DeliverySource;
  /** Ends the connection, as the end of a process does. */
  end(): Promise<void>;
}

/** The streams of a flow, each with the subject `<name>.out` and the durable consumer `reader`. */
export interface RecordStreams {
  /** Makes an empty stream, and its consumer. */
  open(name: string): Promise<void>;
  readonly publisher: Publisher;
  reader(stream: string): Promise<StreamReader>;
  progress(stream: string): Promise<ConsumerProgress>;
  texts(stream: string): Promise<readonly string[]>;
  readonly state: FlowState;
}

/** Tests of the ports through which a replica moves records, which every implementation passes. */
export function describeRecordStreams(name: string, start: () => Promise<RecordStreams>): void {
  describe(name, () => {
    let streams: RecordStreams;
    let stream: string;
    let count = 0;

    beforeAll(async () => {
      streams = await start();
    });
    beforeEach(async () => {
      stream = `contract-${++count}`;
      await streams.open(stream);
    });

    const publish = (id: string, text = id) =>
      new Promise<PublishAck>((resolve, reject) => {
        const outgoing = { subject: `${stream}.out`, id: `${stream}:${id}`, payload: Buffer.from(text) };
        streams.publisher.publish(outgoing, (result) => (result instanceof Error ? reject(result) : resolve(result)));
      });

    /** A reader with room for so many messages, and what it has got. */
    const read = async (room: number) => {
      const { source, end } = await streams.reader(stream);
      const got: Delivery[] = [];
      source.start((delivery) => got.push(delivery));
      source.demand(room, 100_000_000);
      const until = async (number: number) => {
        await waitFor(`${number} deliveries`, () => got.length >= number);
        return got.map(({ sequence, deliveries }) => [sequence, deliveries]);
      };
      return { source, end, got, until };
    };

    it('stores a message once for each id, and tells the second that it is stored', async () => {
      const first = await publish('a', 'one');
      const again = await publish('a', 'two');
      expect([first, again]).toEqual([
        { stream, sequence: 1, duplicate: false },
        { stream, sequence: 1, duplicate: true },
      ]);
      expect(await streams.texts(stream)).toEqual(['one']);
    });

    it('settles what was published before it says so', async () => {
      let settled = 0;
      for (const id of ['a', 'b', 'c']) void publish(id).then(() => settled++);
      await streams.publisher.settled();
      await new Promise((resolve) => setImmediate(resolve));
      expect(settled).toBe(3);
    });

    it('delivers in order, no more than there is room for, and what comes later too', async () => {
      for (const id of ['a', 'b', 'c']) await publish(id);
      const { source, until, end } = await read(2);
      expect(await until(2)).toEqual([
        [1, 1],
        [2, 1],
      ]);
      expect(await streams.progress(stream)).toMatchObject({ delivered: 2, ackPending: 2, pending: 1 });
      source.demand(5, 100_000_000);
      await publish('d');
      expect((await until(4)).slice(2)).toEqual([
        [3, 1],
        [4, 1],
      ]);
      await end();
    });

    it('delivers again what is given back, and not what is acked', async () => {
      for (const id of ['a', 'b', 'c']) await publish(id);
      const { got, source, until, end } = await read(3);
      await until(3);
      got[0]?.ack();
      got[1]?.nak(0);
      got[2]?.nak(50);
      source.demand(5, 100_000_000);
      const again = (await until(5)).slice(3).sort();
      expect(again).toEqual([
        [2, 2],
        [3, 2],
      ]);
      for (const delivery of got.slice(3)) delivery.ack();
      await waitFor('every message is acked', async () => (await streams.progress(stream)).ackFloor === 3);
      expect(await streams.progress(stream)).toEqual({ ackFloor: 3, delivered: 3, ackPending: 0, pending: 0 });
      await end();
    });

    it('delivers to another reader what one that has ended had not acked', async () => {
      for (const id of ['a', 'b', 'c']) await publish(id);
      const first = await read(3);
      await first.until(3);
      first.got[1]?.ack();
      await waitFor('the ack arrives', async () => (await streams.progress(stream)).ackPending === 2);
      await first.end();
      const second = await read(3);
      expect((await second.until(2)).sort()).toEqual([
        [1, 2],
        [3, 2],
      ]);
      await second.end();
    });

    it('seals the streams of a source when every part has ended', async () => {
      const { state } = streams;
      const writer = { function: stream, streams: [stream] };
      await publish('a');
      await state.markPartEnded(writer, { replica: 0, replicas: 2 });
      expect(await state.sealedAt(stream)).toBeUndefined();
      expect(await state.hasEnded(writer, { replica: 0, replicas: 2 })).toBe(true);
      expect(await state.hasEnded(writer, { replica: 1, replicas: 2 })).toBe(false);
      expect(await state.hasEnded(writer, { replica: 0, replicas: 3 })).toBe(false);
      await state.markPartEnded(writer, { replica: 1, replicas: 2 });
      expect(await state.sealedAt(stream)).toBe(1);
      expect(await state.hasEnded(writer, { replica: 5, replicas: 9 })).toBe(true);
    });

    it('seals the streams of a reader, again when it has written more', async () => {
      const writer = { function: stream, streams: [stream] };
      await streams.state.markEnded(writer);
      expect(await streams.state.sealedAt(stream)).toBe(0);
      await publish('a');
      await streams.state.markEnded(writer);
      expect(await streams.state.sealedAt(stream)).toBe(1);
    });

    it('notes which replicas have a state', async () => {
      const { state } = streams;
      await state.noteState(stream, 0);
      await state.noteState(stream, 2);
      expect([...(await state.notedStates(stream))].sort()).toEqual([0, 2]);
      await state.clearState(stream, 0);
      expect(await state.notedStates(stream)).toEqual([2]);
    });
  });
}
