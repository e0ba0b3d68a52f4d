import { readFileSync } from 'node:fs';
import { connect, type JsMsg } from 'nats';
import type { FunctionSpec } from '../lib/plan/function-spec';
import { AvroSchemaCodec } from '../runtime/engine/avro-message';

/** Publishes in flight; a larger window changes little. */
const window = 512;

/** The hop as a plain loop with the NATS client. */
async function main(): Promise<void> {
  const spec: FunctionSpec = JSON.parse(readFileSync(String(process.env.KFLOW_SPEC), 'utf8'));
  const [input] = spec.inputs;
  const { output, schema } = spec;
  if (input === undefined || output === undefined || schema === undefined) throw new Error('no hop');
  const codec = new AvroSchemaCodec(schema);
  const connection = await connect({ servers: String(process.env.KFLOW_NATS_URL), noAsyncTraces: true });
  const jetstream = connection.jetstream();
  const consumer = await jetstream.consumers.get(input.stream, input.durable);
  const hop = async (message: JsMsg): Promise<void> => {
    const record = codec.decode(message.data) as { value: number };
    record.value += 1;
    const payload = codec.encode(record);
    await jetstream.publish(output.subject, payload, { msgID: `hop:${message.seq}` });
    message.ack();
  };
  const messages = await consumer.consume({ max_messages: window * 2 });
  let inFlight = 0;
  let wake: () => void = () => undefined;
  for await (const message of messages) {
    inFlight++;
    void hop(message).finally(() => {
      inFlight--;
      wake();
    });
    while (inFlight >= window) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

void main();
