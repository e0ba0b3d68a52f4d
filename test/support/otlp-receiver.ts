import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

type Attributes = { readonly [name: string]: string | undefined };

export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly isError: boolean;
  readonly attributes: Attributes;
  /** Attributes of the process that has recorded it. */
  readonly resource: Attributes;
  /** Messages of the exceptions that it has recorded. */
  readonly exceptions: readonly string[];
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}
interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status?: { readonly code?: number };
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly OtlpAttribute[] }[];
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const errorStatus = 2;

/** A server that receives spans by OTLP over HTTP. It decodes those in JSON. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Content type and body of each request. */
  readonly requests: { readonly type: string; readonly body: Buffer }[] = [];
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const type = String(request.headers['content-type']);
      this.receive(type, Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
    });
  });

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private receive(type: string, body: Buffer): void {
    this.requests.push({ type, body });
    if (type !== 'application/json') return;
    const { resourceSpans } = JSON.parse(body.toString()) as OtlpRequest;
    for (const { resource, scopeSpans } of resourceSpans) {
      const shared = attributesOf(resource.attributes);
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) this.spans.push(spanOf(span, shared));
    }
  }
}

function spanOf(span: OtlpSpan, resource: Attributes): ReceivedSpan {
  const { name, traceId, spanId, parentSpanId = '', status, attributes, events = [] } = span;
  const exceptions = events.filter((event) => event.name === 'exception');
  return {
    name,
    traceId,
    spanId,
    parentSpanId,
    isError: status?.code === errorStatus,
    attributes: attributesOf(attributes),
    resource,
    exceptions: exceptions.map((event) => attributesOf(event.attributes)['exception.message'] ?? ''),
  };
}

function attributesOf(attributes: readonly OtlpAttribute[] = []): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? String(value.intValue ?? '')]),
  );
}
