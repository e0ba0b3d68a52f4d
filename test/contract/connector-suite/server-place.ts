import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { JetStreamBulkLog } from '../../../runtime/adapters/jetstream/jetstream-bulk-log';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publishing/publisher';
import { SubjectWriter } from '../../../runtime/adapters/jetstream/publishing/subject-writer';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { SearchClient } from '../../../runtime/adapters/search/search-client';
import type { SearchServer, SubjectServer } from '../../../runtime/connectors/connector';
import { type S3Server, startS3Server } from '../../../runtime/servers/s3-server';
import { type SearchServerProcess, startSearchServer } from '../../../runtime/servers/search-server';
import { JetStreamPlace } from '../../integration/jetstream/jetstream-place';
import { closeAfterFile } from '../../support/close-after-file';
import { freePort } from '../../support/free-port';
import { serverFiles } from '../../support/server-files';
import type { ConnectorPlace, SourceState, TestBucket, TestServer } from './connector-place';

/** Connectors on an S3 server, with the state of sources in JetStream. */
export class ServerPlace implements ConnectorPlace {
  private count = 0;
  private search: Promise<SearchServerProcess> | undefined;
  private readonly writers: SubjectWriter[] = [];
  private readonly stores: readonly [S3ObjectStore, S3ObjectStore];
  readonly close: () => Promise<void>;

  private constructor(
    private readonly jetStream: JetStreamPlace,
    private readonly publisher: JetStreamPublisher,
    server: S3Server,
    private readonly folder: string,
  ) {
    const { endpoint: addr, user, password } = server;
    this.stores = [new S3ObjectStore({ addr, user, password }), new S3ObjectStore({ addr, user, password: 'wrong' })];
    this.close = closeAfterFile('an S3 server', async () => {
      publisher.close();
      for (const each of [...this.stores, ...this.writers]) await each.close();
      await jetStream.close();
      await server.stop();
      await (await this.search?.catch(() => undefined))?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  static async start(): Promise<ServerPlace> {
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-connectors-'));
    const server = await startS3Server(serverFiles(folder, 's3'));
    const jetStream = await JetStreamPlace.start();
    const publisher = jetStream.onReconnect(new JetStreamPublisher(jetStream.connection));
    return new ServerPlace(jetStream, publisher, server, folder);
  }

  async bucket(): Promise<TestBucket> {
    const name = `bucket-${++this.count}`;
    const [working, refused] = this.stores;
    await working.ensureBucket(name);
    let store = working;
    return {
      name,
      store: {
        list: (...args) => store.list(...args),
        put: (...args) => store.put(...args),
      },
      read: (key) => working.get(name, key),
      break: () => {
        store = refused;
      },
      repair: () => {
        store = working;
      },
    };
  }

  async index(): Promise<TestServer<SearchServer>> {
    const name = `index-${++this.count}`;
    this.search ??= startSearchServer(serverFiles(this.folder, 'search'));
    const { endpoint: url } = await this.search;
    const request = async (way: string, method: string, body?: object) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/${name}${way}`, { method, headers, body: body && JSON.stringify(body) });
      return (await response.json()) as { hits: { hits: { _source: object }[] } };
    };
    await request('', 'PUT', { mappings: { properties: { n: { type: 'long' } } } });
    const working = new SearchClient({ addr: url });
    const away = new SearchClient({ addr: `127.0.0.1:${await freePort()}` });
    let server = working;
    return {
      name,
      server: { address: url, bulk: (lines) => server.bulk(lines), close: async () => undefined },
      contents: async () => {
        await request('/_refresh', 'POST');
        const { hits } = await request('/_search', 'POST', { size: 1_000 });
        return hits.hits.map(({ _source }) => JSON.stringify(_source));
      },
      break: () => {
        server = away;
      },
      repair: () => {
        server = working;
      },
    };
  }

  async subject(): Promise<TestServer<SubjectServer>> {
    const name = `subject-${++this.count}`;
    await this.jetStream.stream(name);
    await this.jetStream.fill(name, ['the first message, which fills the stream']);
    const writer = new SubjectWriter({ url: this.jetStream.url }, 'test', () => undefined);
    this.writers.push(writer);
    let limited: Promise<unknown> = Promise.resolve();
    const limit = (maxMessages: number) => {
      limited = this.jetStream.manager.streams.update(name, { max_msgs: maxMessages });
    };
    return {
      name: `${name}.out`,
      server: {
        publish: async (subject, messages) => {
          await limited;
          return writer.publish(subject, messages);
        },
        close: async () => undefined,
      },
      contents: async () => {
        const [, ...payloads] = await this.jetStream.payloads(name);
        return payloads.map((payload) => Buffer.from(payload).toString());
      },
      break: () => limit(1),
      repair: () => limit(-1),
    };
  }

  async bulkLogs(spec: FunctionSpec): Promise<(inputsCreated: readonly Date[]) => Promise<JetStreamBulkLog>> {
    const { connection } = this.jetStream;
    const stateBucket = `bulks-${++this.count}`;
    await JetStreamFlowState.open(connection, stateBucket);
    return (inputsCreated) => JetStreamBulkLog.open({ connection, spec: { ...spec, stateBucket }, inputsCreated });
  }

  async sourceState(source: string): Promise<SourceState> {
    const state = await JetStreamFlowState.open(this.jetStream.connection, `state-${++this.count}`);
    await state.beginRun();
    return {
      run: () => state.run(),
      nextRun: async () => {
        await state.markCompleted(await state.run());
        await state.beginRun();
      },
      listing: (ever, part) => state.listing(source, part, { ever, publisher: this.publisher }),
      position: (replica) => state.position(source, replica, this.publisher),
      settled: () => this.publisher.settled(),
    };
  }
}
