import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publisher';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { type S3Server, startS3Server } from '../../../runtime/servers/s3-server';
import { JetStreamPlace } from '../../integration/jetstream/jetstream-place';
import { closeAfterFile } from '../../support/close-after-file';
import { serverFiles } from '../../support/server-files';
import type { ConnectorPlace, SourceState, TestBucket } from './connector-place';

/** Connectors on an S3 server, with the state of sources in JetStream. */
export class ServerPlace implements ConnectorPlace {
  private count = 0;
  private readonly stores: readonly [S3ObjectStore, S3ObjectStore];
  readonly close: () => Promise<void>;

  private constructor(
    private readonly jetStream: JetStreamPlace,
    private readonly publisher: JetStreamPublisher,
    server: S3Server,
    folder: string,
  ) {
    const { endpoint: addr, user, password } = server;
    this.stores = [new S3ObjectStore({ addr, user, password }), new S3ObjectStore({ addr, user, password: 'wrong' })];
    this.close = closeAfterFile('an S3 server', async () => {
      publisher.close();
      for (const store of this.stores) await store.close();
      await jetStream.close();
      await server.stop();
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

  async sourceState(source: string): Promise<SourceState> {
    const state = await JetStreamFlowState.open(this.jetStream.connection, `state-${++this.count}`);
    await state.beginRun();
    return {
      run: () => state.run(),
      nextRun: async () => {
        await state.markCompleted(await state.run());
        await state.beginRun();
      },
      listed: (ever) => state.listed(source, ever, this.publisher),
      position: (replica) => state.position(source, replica, this.publisher),
      settled: () => this.publisher.settled(),
    };
  }
}
