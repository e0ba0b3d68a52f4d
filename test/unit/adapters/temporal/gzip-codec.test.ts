import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { dataConverter } from '../../../../runtime/adapters/temporal/gzip-codec';

const [codec] = dataConverter.payloadCodecs;

test('large payloads are compressed, and are the same again', async () => {
  const values = [{ text: 'x'.repeat(3_000_000) }, 'small', { noise: randomBytes(200_000).toString('base64') }];
  const payloads = values.map((value) => defaultPayloadConverter.toPayload(value));
  const encoded = (await codec?.encode(payloads)) ?? [];
  expect(encoded[0]?.data?.length).toBeLessThan(10_000);
  expect(encoded[1]).toBe(payloads[1]);
  const decoded = (await codec?.decode(encoded)) ?? [];
  expect(decoded.map((payload) => defaultPayloadConverter.fromPayload(payload))).toEqual(values);
});

test('payloads of a version without compression are read', async () => {
  const payload = defaultPayloadConverter.toPayload({ text: 'x'.repeat(300_000) });
  expect(await codec?.decode([payload])).toEqual([payload]);
});
