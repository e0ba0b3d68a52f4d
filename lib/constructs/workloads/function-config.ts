import type { PlannedWorkload } from '../../plan/flow-plan';
import { languages } from '../../topology/document/language';
import { contentHash } from '../metadata';

/** Size limit of a ConfigMap. */
const maxConfigMapBytes = 1024 ** 2;

/** The files that a function's pods read at their start: the spec, and the code in a file of its own, for people to read. */
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
   * Hash of the content, equal on any machine. The number of replicas of a Deployment is left out, so that scaling does
   * not restart the running pods.
   */
  get hash(): string {
    const { kind, spec } = this.workload;
    const isScalable = kind === 'deployment' && spec.inputs.length > 0;
    const content = isScalable ? { ...spec, replicas: 0 } : spec;
    return contentHash(JSON.stringify(content));
  }

  /** Why the files do not fit into a ConfigMap; undefined if they do. */
  get fault(): string | undefined {
    const bytes = Object.values(this.files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (bytes <= maxConfigMapBytes) return undefined;
    return `the spec and code of "${this.workload.spec.function}" have ${bytes} bytes, but a ConfigMap holds at most ${maxConfigMapBytes}; put the code into an image, and set meta.module to its absolute path`;
  }
}
