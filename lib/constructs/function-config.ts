import type { PlannedWorkload } from '../plan/flow-plan';
import { languages } from '../topology/document/language';
import { contentHash } from './content-hash';

/** Bytes that Kubernetes takes in one ConfigMap. */
const maxConfigMapBytes = 1024 ** 2;

/** What a function's pods read at their start: its spec, and its code as a file of its own, for people to read. */
export class FunctionConfig {
  /** Texts by file name. */
  readonly files: { readonly [name: string]: string };

  constructor(private readonly workload: Pick<PlannedWorkload, 'kind' | 'spec'>) {
    const { code, ...others } = workload.spec;
    const codeFile = `function${languages[others.language].extensions[0]}`;
    const written = code === undefined ? others : { ...others, codeFile };
    this.files = {
      ...(code === undefined ? {} : { [codeFile]: code }),
      'spec.json': `${JSON.stringify(written, null, 2)}\n`,
    };
  }

  /**
   * The same for the same content, on any machine. More replicas of a Deployment are no other content: those that run
   * need not start again.
   */
  get hash(): string {
    const { kind, spec } = this.workload;
    const isScalable = kind === 'deployment' && spec.inputs.length > 0;
    const content = isScalable ? { ...spec, replicas: 0 } : spec;
    return contentHash(JSON.stringify(content));
  }

  /** Why the files do not fit; undefined when they do. */
  get fault(): string | undefined {
    const bytes = Object.values(this.files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (bytes <= maxConfigMapBytes) return undefined;
    return `the spec and code of "${this.workload.spec.function}" have ${bytes} bytes, and a ConfigMap holds ${maxConfigMapBytes}; put the code into an image, and name it there by an absolute meta.module`;
  }
}
