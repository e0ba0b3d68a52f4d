import { AckPolicy, headers, type NatsConnection, nanos, type PublishOptions } from 'nats';
import {
  type Attack,
  documentBucket,
  forged,
  heardOn,
  managerOf,
  ownStream,
  payloadsOf,
  payloadsOfOwn,
  requestMs,
} from './attack';

const own = (of: { readonly stream: string }, word: string) => ({
  name: ownStream(word, of.stream),
  subject: `own.${word}.${of.stream}`,
});

/** Publishes, and reads nothing. */
async function publishedTo(
  attacker: NatsConnection,
  subject: string,
  payload = forged,
  options: PublishOptions = {},
): Promise<readonly string[]> {
  attacker.publish(subject, payload, options);
  await attacker.flush();
  return [];
}

/** Every attack that an open nats-server lets pass. Those that remove something come last. */
export const attacks: readonly Attack[] = [
  {
    title: 'asks for the configuration of a stream',
    run: async (attacker, { stream }) => [JSON.stringify(await (await managerOf(attacker)).streams.info(stream))],
  },
  {
    title: 'reads single records of a stream',
    run: async (attacker, { stream }) => {
      const { data } = await (await managerOf(attacker)).streams.getMessage(stream, { seq: 1 });
      return [Buffer.from(data).toString()];
    },
  },
  {
    title: 'reads single records without the API of streams',
    run: async (attacker, { stream, subject }) => {
      const answer = await attacker.request(`$JS.API.DIRECT.GET.${stream}.${subject}`, '', { timeout: requestMs });
      return [Buffer.from(answer.data).toString()];
    },
  },
  {
    title: 'creates a consumer on a stream',
    run: (attacker, { stream }) => payloadsOf(attacker, stream),
  },
  {
    title: 'copies a stream into its own as a mirror',
    run: (attacker, { stream }) =>
      payloadsOfOwn(attacker, { name: own({ stream }, 'mirror').name, mirror: { name: stream } }),
  },
  {
    title: 'copies a stream into its own as a source',
    run: (attacker, { stream }) =>
      payloadsOfOwn(attacker, { name: own({ stream }, 'source').name, sources: [{ name: stream }] }),
  },
  {
    title: 'stores what others publish in a stream of its own',
    run: async (attacker, { stream, counters }) => {
      const { name } = own({ stream }, 'spy');
      await (await managerOf(attacker)).streams.add({ name, subjects: [counters] });
      await heardOn(attacker, counters);
      return payloadsOf(attacker, name);
    },
  },
  { title: 'subscribes to everything', run: (attacker) => heardOn(attacker, '>') },
  { title: 'subscribes to the answers to others', run: (attacker) => heardOn(attacker, '_INBOX.>') },
  { title: 'subscribes to the counters of replicas', run: (attacker, { counters }) => heardOn(attacker, counters) },
  { title: 'subscribes to the advisories of JetStream', run: (attacker) => heardOn(attacker, '$JS.EVENT.ADVISORY.>') },
  {
    title: 'reads the state of a flow',
    run: async (attacker, { stateBucket }) => {
      const views = attacker.jetstream({ checkAPI: false, timeout: requestMs }).views;
      const entry = await (await views.kv(stateBucket, { bindOnly: true })).get('run');
      return entry === null ? [] : [entry.string()];
    },
  },
  {
    title: 'reads the documents of flows',
    run: async (attacker) => {
      const views = attacker.jetstream({ checkAPI: false, timeout: requestMs }).views;
      const documents = await views.os(documentBucket);
      const found: string[] = [];
      for (const { name } of await documents.list()) {
        const bytes = await documents.getBlob(name);
        if (bytes !== null) found.push(`${name} ${Buffer.from(bytes).toString()}`);
      }
      return found;
    },
  },
  {
    title: 'publishes a record into a stream',
    run: (attacker, { subject }) => publishedTo(attacker, subject),
    harm: 'records',
  },
  {
    title: 'pulls with the subject of a stream as the address of the answer',
    run: async (attacker, { stream, subject }) => {
      const mine = own({ stream }, 'pull');
      const manager = await managerOf(attacker);
      await manager.streams.add({ name: mine.name, subjects: [mine.subject] });
      await manager.consumers.add(mine.name, { durable_name: 'c', ack_policy: AckPolicy.None });
      await attacker.jetstream({ checkAPI: false }).publish(mine.subject, forged);
      return publishedTo(attacker, `$JS.API.CONSUMER.MSG.NEXT.${mine.name}.c`, '1', { reply: subject });
    },
    harm: 'records',
  },
  {
    title: 'has its own records delivered into a stream',
    run: async (attacker, { stream, subject }) => {
      const mine = own({ stream }, 'push');
      const manager = await managerOf(attacker);
      await manager.streams.add({ name: mine.name, subjects: [mine.subject] });
      await attacker.jetstream({ checkAPI: false }).publish(mine.subject, forged);
      const config = { durable_name: 'c', ack_policy: AckPolicy.None, deliver_subject: subject };
      await manager.consumers.add(mine.name, config);
      return [];
    },
    harm: 'records',
  },
  {
    title: 'has its own records republished into a stream',
    run: async (attacker, { stream, subject }) => {
      const mine = own({ stream }, 'republish');
      const republish = { src: mine.subject, dest: subject };
      await (await managerOf(attacker)).streams.add({ name: mine.name, subjects: [mine.subject], republish });
      await attacker.jetstream({ checkAPI: false }).publish(mine.subject, forged);
      return [];
    },
    harm: 'records',
  },
  {
    title: 'publishes counters of a function of others',
    run: (attacker, { counters }) => publishedTo(attacker, counters),
    harm: 'lies',
  },
  {
    title: 'publishes events of a flow of others',
    run: (attacker, { events }) => publishedTo(attacker, events),
    harm: 'lies',
  },
  {
    title: 'writes the state of a flow',
    run: (attacker, { stateBucket }) => publishedTo(attacker, `$KV.${stateBucket}.run`),
    harm: 'state',
  },
  {
    title: 'takes records from the consumer of others',
    run: async (attacker, { stream, durable }) => {
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
      // a record comes with the subject of its stream, by which the client's shared inbox would not know it
      const options = { timeout: requestMs, noMux: true };
      const pull = JSON.stringify({ batch: 1, expires: nanos(requestMs / 2) });
      const answer = await attacker.request(subject, pull, options);
      return [Buffer.from(answer.data).toString()];
    },
    harm: 'consumer',
  },
  {
    title: 'acks records that others process',
    // the ack of the first record in its first delivery: the time of the record does not matter
    run: (attacker, { stream, durable }) => publishedTo(attacker, `$JS.ACK.${stream}.${durable}.1.1.1.0.0`, '+TERM'),
    harm: 'consumer',
  },
  {
    title: 'pauses the consumer of others',
    run: async (attacker, { stream, durable }) => {
      const until = { pause_until: '2100-01-01T00:00:00Z' };
      await attacker.request(`$JS.API.CONSUMER.PAUSE.${stream}.${durable}`, JSON.stringify(until), {
        timeout: requestMs,
      });
      return [];
    },
    harm: 'consumer',
  },
  {
    title: 'changes the configuration of a stream',
    run: async (attacker, { stream }) => {
      await (await managerOf(attacker)).streams.update(stream, { max_msgs: 1 });
      return [];
    },
    harm: 'records',
  },
  {
    title: 'replaces the records of a stream by a rollup',
    run: (attacker, { stateBucket }) => {
      const rollup = headers();
      rollup.set('Nats-Rollup', 'all');
      return publishedTo(attacker, `$KV.${stateBucket}.run`, forged, { headers: rollup });
    },
    harm: 'state',
  },
  {
    title: 'purges a stream',
    run: async (attacker, { stream }) => {
      await (await managerOf(attacker)).streams.purge(stream);
      return [];
    },
    harm: 'records',
  },
  {
    title: 'deletes a consumer',
    run: async (attacker, { stream, durable }) => {
      await (await managerOf(attacker)).consumers.delete(stream, durable);
      return [];
    },
    harm: 'consumer',
  },
  {
    title: 'deletes a stream',
    run: async (attacker, { stream }) => {
      await (await managerOf(attacker)).streams.delete(stream);
      return [];
    },
    harm: 'records',
  },
];
