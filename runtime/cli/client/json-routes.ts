import type { z } from 'zod';
import { type ControllerConnection, headerText } from './controller-connection';

/** Requests with JSON bodies to one controller, whose changes carry the same reason. Throws as ControllerConnection does. */
export class JsonRoutes {
  constructor(
    private readonly connection: ControllerConnection,
    /** Reason for the audit log. */
    private readonly comment?: string,
  ) {}

  async get<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    return this.connection.json(schema, await this.connection.get(path));
  }

  async post<T>(schema: z.ZodType<T>, path: string, body: object): Promise<T> {
    const document = { text: JSON.stringify(body), contentType: 'application/json' } as const;
    const headers = this.headers();
    return this.connection.json(schema, await this.connection.send('POST', path, { document, headers }));
  }

  async delete(path: string): Promise<void> {
    await this.connection.send('DELETE', path, { headers: this.headers() });
  }

  private headers(): Headers {
    const headers = new Headers();
    if (this.comment !== undefined) headers.set('kflow-comment', headerText(this.comment));
    return headers;
  }
}
