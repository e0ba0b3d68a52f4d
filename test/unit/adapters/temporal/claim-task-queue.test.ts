import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { claimTaskQueue } from '../../../../runtime/adapters/temporal/claim-task-queue';

/** gRPC's statuses OK, ALREADY_EXISTS and PERMISSION_DENIED. */
const ok = '0';
const exists = '6';
const denied = '7';

let server: Http2Server;
let connection: Connection;
const sessions = new Set<ServerHttp2Session>();
/** The status of each call by the end of its path, OK unless given: a development server of Temporal refuses nothing. */
let statuses: { readonly [call: string]: string } = {};

beforeAll(async () => {
  server = createServer();
  server.on('session', (session) => void sessions.add(session));
  server.on('stream', (stream, headers) => {
    const status = statuses[String(headers[':path']).split('/').at(-1) ?? ''] ?? ok;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'grpc-message': `status ${status}` }));
    stream.end(status === ok ? Buffer.alloc(5) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connection = await Connection.connect({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
});

afterAll(async () => {
  await connection?.close();
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  ['the marker', { StartWorkflowExecution: denied }],
  ["a look at another installation's marker", { StartWorkflowExecution: exists, DescribeWorkflowExecution: denied }],
])('a server that refuses %s is named with its reason', async (_, refused) => {
  statuses = refused;
  const settings = { address: 'any', namespace: 'default', taskQueue: 'queue' };
  await expect(claimTaskQueue(new Client({ connection }), settings, 'installation')).rejects.toMatchObject({
    code: 'server-failed',
    message: `claim of the task queue "queue": Temporal refused the request: status ${denied}`,
  });
});
