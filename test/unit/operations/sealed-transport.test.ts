import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DummyTransport, Message, Producer } from '../../../runtime/operations';
import { useLog } from '../../../runtime/operations/observe/task-log';
import { Secretbox } from '../../../runtime/operations/transport/sealed-transport';

const file = path.join(__dirname, '../../fixtures/operations/secretbox.json');
const { key, text, envelope } = JSON.parse(readFileSync(file, 'utf8'));

beforeAll(() => useLog(() => undefined));

test('KS-25: an envelope of libsodium is opened, and what is sealed here has the same form', () => {
  const box = new Secretbox(key);
  expect(box.decrypt(JSON.stringify(envelope))).toBe(text);
  const sealed = JSON.parse(box.encrypt(Buffer.from(text)));
  expect(Object.keys(sealed)).toEqual(['data', 'nonce']);
  expect(Buffer.from(sealed.nonce, 'base64')).toHaveLength(24);
  expect(box.decrypt(JSON.stringify(sealed))).toBe(text);
});

test('KS-25: what is sent, one by one or in bulk, has neither entrypoint nor parameters in its bytes', async () => {
  const transport = new DummyTransport();
  const producer = new Producer({ transport, config: { KFLOW_SECRETBOX_KEY: key } });
  const message = Message.parse(text);
  await producer.send('work', message);
  await producer.bulkSend('work', [message, message]);
  const sent = transport.waiting('work');
  expect(sent).toHaveLength(3);
  for (const each of sent) {
    expect(each).not.toMatch(/m\.C|4111|params/);
    expect(new Secretbox(key).decrypt(each)).toContain('4111');
  }
});

test.each([
  ['of another key', JSON.stringify(envelope), Buffer.alloc(32).toString('base64')],
  ['that is not encrypted', text, key],
  ['that is no JSON', '{', key],
  ['with a nonce of another length', JSON.stringify({ ...envelope, nonce: 'AAAA' }), key],
])('KS-25: a message %s is refused', (_, sealed, with_) => {
  expect(() => new Secretbox(with_).decrypt(sealed)).toThrow(
    'cannot be decrypted; is it encrypted, with the same key?',
  );
});

test.each(['', 'AAAA', 'not base64 at all, but of length 43 or so.....'])('the key "%s" is refused', (wrong) => {
  expect(() => new Secretbox(wrong)).toThrow('KFLOW_SECRETBOX_KEY: want 32 bytes in base64');
});
