import type { ProgramTopology } from '../../../lib/define/program';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { outputSubject } from '../../../lib/plan/names';

/** What `loadTopology` gives a program: its function, and the sink that writes to the stream of the function. */
export function programTopology(spec: FunctionSpec): ProgramTopology {
  const { namespace, jobId, mode, function: id, type, meta, schema, output } = spec;
  const sink = `${id}-stream`;
  return {
    namespace,
    jobId,
    mode,
    dag: [
      { id, type, out: [sink], meta, ...(schema === undefined ? {} : { schema }) },
      { id: sink, type: 'nats-sink', out: [], topics: output?.subject ?? outputSubject(spec, id), meta: {} },
    ],
  };
}
