import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Construct } from 'constructs';
import { WorkerDefinition } from '../define/worker-definition';
import { readWorker } from '../tasks/worker/read-worker';
import type { WorkerDocument } from '../tasks/worker/worker-schema';
import { type DocumentProps, Flow } from './flow';

/**
 * A worker document as a chart: the workload of its replicas, as that of a function. `document` is text, the document itself, or
 * what `defineWorker` returns. Problems are reported as those of a `Flow`.
 */
export class TaskWorker extends Flow {
  /** Reads a document from a YAML or JSON file. Throws if the file cannot be read. */
  static override fromFile(scope: Construct, id: string, file: string, props: DocumentProps = {}): TaskWorker {
    return new TaskWorker(scope, id, readFileSync(file, 'utf8'), { file, baseDir: path.dirname(file), ...props });
  }

  constructor(
    scope: Construct,
    id: string,
    document: string | WorkerDocument | WorkerDefinition,
    props: DocumentProps = {},
  ) {
    const { file = id, sets = [], purpose = 'manifests', ...flow } = props;
    const directory = document instanceof WorkerDefinition ? document.options.directory : undefined;
    const { topology, problems } = readWorker(textOf(document), { file, sets, purpose });
    const errors = problems.filter(({ severity }) => severity === 'error');
    super(scope, id, topology ?? errors, { ...(directory === undefined ? {} : { baseDir: directory }), ...flow });
  }
}

function textOf(document: string | WorkerDocument | WorkerDefinition): string {
  if (typeof document === 'string') return document;
  return JSON.stringify(document instanceof WorkerDefinition ? document.document() : document);
}
