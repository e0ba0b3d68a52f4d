import { createSocket, type RemoteInfo } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { pause } from '../../../runtime/async/pause';
import { clusterDomain } from './network';

const refreshMs = 500;
const timeToLiveSeconds = 2;
const headerBytes = 12;
const typeA = 1;
const nameUnknown = 3;
/** A response with authority to a query that asks for recursion. */
const responseFlags = 0x8580;

interface Service {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly clusterIP?: string };
}

interface Slice {
  readonly metadata: { readonly namespace: string; readonly labels?: { readonly [name: string]: string } };
  readonly endpoints?:
    | readonly { readonly addresses: readonly string[]; readonly conditions?: { readonly ready?: boolean } }[]
    | null;
}

/** Answers the names of Services with their addresses, at port 53 of `address`, until the process ends. */
export async function startClusterDns(address: string, kubeconfig: string): Promise<void> {
  const read = apiReader(kubeconfig);
  let known = new Map<string, readonly string[]>();
  const refresh = async () => {
    for (;;) {
      // while the API server is away, the last names hold
      known = await readNames(read).catch(() => known);
      await pause(refreshMs);
    }
  };
  void refresh();
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, { port, address: client }: RemoteInfo) => {
    const answer = answerTo(query, known);
    if (answer !== undefined) socket.send(answer, port, client);
  });
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
}

async function readNames(read: (path: string) => Promise<unknown>): Promise<Map<string, readonly string[]>> {
  const services = (await read('/api/v1/services')) as { readonly items: readonly Service[] };
  const slices = (await read('/apis/discovery.k8s.io/v1/endpointslices')) as { readonly items: readonly Slice[] };
  const names = new Map<string, readonly string[]>();
  for (const { metadata, spec } of services.items) {
    const { name, namespace } = metadata;
    const own = slices.items.filter(
      (slice) =>
        slice.metadata.namespace === namespace && slice.metadata.labels?.['kubernetes.io/service-name'] === name,
    );
    const ready = own.flatMap(({ endpoints }) => endpoints ?? []).filter((each) => each.conditions?.ready !== false);
    const isHeadless = spec.clusterIP === undefined || spec.clusterIP === 'None';
    const addresses = isHeadless ? ready.flatMap((each) => each.addresses) : [spec.clusterIP ?? ''];
    names.set(`${name}.${namespace}.svc.${clusterDomain}`, addresses);
  }
  return names;
}

/** The response to a query with one question; undefined if the query is none. */
function answerTo(query: Buffer, known: ReadonlyMap<string, readonly string[]>): Buffer | undefined {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at]; length !== undefined && length > 0; length = query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const end = at + 5;
  if (query.length < end) return undefined;
  const addresses = known.get(labels.join('.').toLowerCase());
  const records = query.readUInt16BE(at + 1) === typeA ? (addresses ?? []) : [];
  const header = Buffer.from(query.subarray(0, headerBytes));
  header.writeUInt16BE(responseFlags | (addresses === undefined ? nameUnknown : 0), 2);
  [1, records.length, 0, 0].forEach((count, index) => {
    header.writeUInt16BE(count, 4 + 2 * index);
  });
  return Buffer.concat([header, query.subarray(headerBytes, end), ...records.map(recordOf)]);
}

/** An A record of the name in the question. */
function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc000 | headerBytes, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(timeToLiveSeconds, 6);
  record.writeUInt16BE(4, 10);
  address.split('.').forEach((part, index) => {
    record.writeUInt8(Number(part), 12 + index);
  });
  return record;
}

function apiReader(kubeconfig: string): (path: string) => Promise<unknown> {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  const agent = new Agent({ ca: Buffer.from(ca, 'base64'), keepAlive: true });
  const headers = { authorization: `Bearer ${users[0].user.token}` };
  return (path) =>
    new Promise((resolve, reject) => {
      const sent = request(`${server}${path}?resourceVersion=0`, { agent, headers, timeout: 5_000 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${path}: ${response.statusCode}`));
        });
        response.once('error', reject);
      });
      sent.once('timeout', () => sent.destroy(new Error(`${path}: no response`)));
      sent.once('error', reject);
      sent.end();
    });
}
