import { setImmediate as turn } from 'node:timers/promises';
import { StoreError } from '../../../lib/errors';
import type { SinkConnector, SourceConnector } from '../../../runtime/connectors/connector';
import { sourceConnector } from '../../../runtime/connectors/registry';
import type { SinkRecord, WriteOutcome } from '../../../runtime/engine/ports/sink';
import { MemoryPlace } from '../../contract/connector-suite/memory-place';
import { noBulks, type SinkFixture, type SinkValue, sinkSpec } from '../../contract/connector-suite/sink-fixtures';
import { describeSink } from '../../contract/connector-suite/sink-suite';
import { sourceFixtures } from '../../contract/connector-suite/source-fixtures';
import { describeSource } from '../../contract/connector-suite/source-suite';
import { written } from '../plan/planned';

/** The contract suites accept everything that the ports permit, even if no connector of this repository does it. */
const place = new MemoryPlace();

/** A connector whose slices contain one record each, and take a turn of the event loop each. */
function recordByRecord(connector: SourceConnector): SourceConnector {
  return {
    open: async (context) => {
      const source = await connector.open(context);
      return {
        records: async function* (signal) {
          for await (const slice of source.records(signal)) {
            for (const record of slice) {
              await turn();
              if (!signal.aborted) yield [record];
            }
          }
        },
        close: () => source.close(),
      };
    },
  };
}

describeSource('a source with one record per slice', {
  connector: recordByRecord(sourceConnector('raw-source')),
  fixture: sourceFixtures['raw-source'],
  place: () => place,
});

/** Appends each record to a file as a line of JSON; the file is in memory. */
class JsonLines {
  private lines: readonly string[] = [];
  private readonly refused = new Set<number>();
  private isBroken = false;

  readonly connector: SinkConnector = {
    open: async () => ({
      batchSize: 4,
      concurrentWrites: 1,
      write: async (records) => records.map((record) => this.append(record)),
      close: async () => undefined,
    }),
  };

  readonly fixture: SinkFixture = {
    overwrites: false,
    open: async () => {
      this.lines = [];
      this.refused.clear();
      const spec = sinkSpec(`type: s3-sink, topics: "s3a://unused", ${written}`);
      return {
        context: async (inputsCreated) => ({
          spec,
          endpoint: undefined,
          inputsCreated,
          ...noBulks,
          log: () => undefined,
        }),
        contents: async () => this.lines.map((line) => JSON.parse(line) as SinkValue),
        refuse: (n) => this.refused.add(n),
        break: () => {
          this.isBroken = true;
        },
        repair: () => {
          this.isBroken = false;
        },
      };
    },
  };

  private append({ value, json }: SinkRecord): WriteOutcome {
    if (this.isBroken || this.refused.has((value as SinkValue).n)) {
      return { is: 'failed', error: new StoreError('store-failed', 'lines: cannot append'), isRetryable: true };
    }
    this.lines = [...this.lines, json()];
    return { is: 'stored' };
  }
}

const { connector, fixture } = new JsonLines();
describeSink('a sink that appends', { connector, fixture, place: () => place });
