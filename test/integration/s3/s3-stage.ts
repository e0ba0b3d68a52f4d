import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { TestS3Server } from '../../support/test-s3-server';

/** A test server and a client of it, for the tests of a file. Before each test, the server has no faults and no requests. */
export class S3Stage {
  readonly server = new TestS3Server();
  private client: S3ObjectStore | undefined;

  constructor() {
    beforeAll(async () => {
      await this.server.start();
      this.client = new S3ObjectStore({ addr: this.server.address, user: 'u', password: 'p' });
    });
    beforeEach(() => {
      this.server.requests.length = 0;
      this.server.fault = () => false;
    });
    afterAll(async () => {
      await this.client?.close();
      await this.server.stop();
    });
  }

  get store(): S3ObjectStore {
    if (this.client === undefined) throw new Error('the stage is not open');
    return this.client;
  }
}
