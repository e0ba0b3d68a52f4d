import { openTracer } from '../../../../runtime/adapters/opentelemetry/open-tracer';
import { OtlpReceiver } from '../../../support/otlp-receiver';
import { mapSpec } from '../../plan/planned';

/** A receiver of spans, and tracers that export to it by variables of the environment, for the tests of a file. */
export class TracerStage {
  receiver = new OtlpReceiver();
  logs: string[] = [];
  private readonly before = { ...process.env };

  constructor() {
    beforeEach(async () => {
      this.receiver = await OtlpReceiver.start();
      this.logs = [];
    });
    afterEach(async () => {
      for (const name of Object.keys(process.env)) if (!(name in this.before)) delete process.env[name];
      await this.receiver.close();
    });
  }

  /** Variables for spans in JSON. */
  get json(): NodeJS.ProcessEnv {
    return { OTEL_EXPORTER_OTLP_ENDPOINT: this.receiver.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
  }

  async open(env: NodeJS.ProcessEnv) {
    Object.assign(process.env, env); // the SDK reads it
    const spec = mapSpec({ namespace: 'ns', jobId: 'words', function: 'count' });
    const log = (level: string, text: string) => this.logs.push(`${level} ${text}`);
    return openTracer({ spec, replica: 'count-0', env: process.env, log });
  }
}

/** The trace parent that names a span. */
export function parentOf(span: { readonly traceId: string; readonly spanId: string } | undefined): string | undefined {
  return span && `00-${span.traceId}-${span.spanId}-01`;
}
