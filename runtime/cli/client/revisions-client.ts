import { z } from 'zod';
import {
  type PublishedRevision,
  type PublishRequest,
  publishedRevisionSchema,
  type RevisionDetail,
  type RevisionQuery,
  type RevisionView,
  revisionDetailSchema,
  revisionSchema,
} from '../../api-contract/revisions';
import { queryOf } from './controller-client';
import { ControllerConnection } from './controller-connection';
import { findController } from './find-controller';
import type { FlowOptions } from './flow-session';
import { JsonRoutes } from './json-routes';

/** The routes of a controller for revisions. `ref` is a UUID, or GROUP:TAG. Throws as `ControllerClient` does. */
export class RevisionsClient {
  constructor(private readonly routes: JsonRoutes) {}

  publish(namespace: string, request: Partial<PublishRequest>): Promise<PublishedRevision> {
    return this.routes.post(publishedRevisionSchema, pathOf(namespace), request);
  }

  /** Of a namespace, or of all. */
  list(namespace: string | undefined, query: RevisionQuery): Promise<RevisionView[]> {
    return this.routes.get(z.array(revisionSchema), `${pathOf(namespace)}${queryOf(query)}`);
  }

  show(namespace: string, ref: string): Promise<RevisionDetail> {
    return this.routes.get(revisionDetailSchema, pathOf(namespace, ref));
  }

  change(namespace: string, ref: string, kind: 'release' | 'disable'): Promise<RevisionView> {
    return this.routes.post(revisionSchema, `${pathOf(namespace, ref)}/${kind}`, {});
  }

  delete(namespace: string, ref: string): Promise<void> {
    return this.routes.delete(pathOf(namespace, ref));
  }
}

type SessionOptions = Pick<FlowOptions, 'url' | 'token' | 'ca'> & { readonly comment?: string };

/** Opens a client with the options of a command line and the environment and folder of this process. */
export async function openRevisions(options: SessionOptions): Promise<RevisionsClient> {
  const address = await findController(options, { env: process.env, folder: process.cwd() });
  return new RevisionsClient(new JsonRoutes(new ControllerConnection(address), options.comment));
}

function pathOf(...parts: readonly (string | undefined)[]): string {
  const known = parts.flatMap((part) => (part === undefined ? [] : [encodeURIComponent(part)]));
  return ['/revisions/v1', ...known].join('/');
}
