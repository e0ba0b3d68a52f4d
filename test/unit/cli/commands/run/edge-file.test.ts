import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EdgeFile } from '../../../../../runtime/cli/commands/run/edge-file';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-edge-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file to which messages are written by their sequences; `failsAt` is the JSON that cannot be made. */
function open({ failsAt }: { readonly failsAt?: string } = {}) {
  const said: string[] = [];
  const acked: number[] = [];
  const name = path.join(folder, 'edge.jsonl');
  const file = new EdgeFile({
    edge: 'map',
    file: name,
    say: (line) => said.push(line),
    jsonOf: async (payload) => {
      const json = Buffer.from(payload).toString();
      if (json === failsAt) throw new Error('no space left');
      return json;
    },
  });
  const write = async (...sequences: readonly number[]) => {
    for (const sequence of sequences) {
      await file.write({ sequence, payload: Buffer.from(`{"n":${sequence}}`), ack: () => acked.push(sequence) });
    }
  };
  return { file, name, said, acked, write };
}

test('a record is one line, however often it is delivered, and each delivery is acked', async () => {
  const { file, name, said, acked, write } = open();
  await write(1, 3, 2, 3, 1, 4, 4);
  expect(file.records).toBe(4);
  file.close();
  expect(readFileSync(name, 'utf8')).toBe('{"n":1}\n{"n":3}\n{"n":2}\n{"n":4}\n');
  expect(acked).toEqual([1, 3, 2, 3, 1, 4, 4]);
  expect(said).toEqual([]);
});

test('a record that cannot be written is told at once, and the flow does not wait for the others', async () => {
  const { file, name, said, acked, write } = open({ failsAt: '{"n":2}' });
  await write(1, 2, 3);
  const message = `--record map=${name}: record 2 cannot be written: no space left`;
  expect(said).toEqual([`${message}; the flow runs on, and no more of its records are recorded`]);
  expect(acked).toEqual([1, 2, 3]);
  expect(() => file.records).toThrow(message);
  file.close();
  expect(readFileSync(name, 'utf8')).toBe('{"n":1}\n');
});

test('a record that comes when the file is closed is neither written nor acked', async () => {
  const { file, name, said, acked, write } = open();
  const writing = write(1);
  file.close();
  await writing;
  expect({ said, acked, text: readFileSync(name, 'utf8') }).toEqual({ said: [], acked: [], text: '' });
});

test('a file that cannot be opened is refused, with the edge', () => {
  const props = { edge: 'map', file: path.join(folder, 'none', 'x'), say: () => undefined, jsonOf: async () => '' };
  expect(() => new EdgeFile(props)).toThrow(/^--record map=\S+\/none\/x: cannot write: ENOENT/);
});
