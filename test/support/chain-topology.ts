export const chainSchema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };

/** Deviations of a test's flow from the default. */
export interface ChainChanges {
  readonly parallelism?: number;
  readonly meta?: object;
  readonly mode?: 'batch' | 'stream';
  readonly schema?: object;
}

/** A source, a function and a sink, for a cluster that runs nothing. */
export function chainTopology(changes: ChainChanges = {}): object {
  return {
    mode: changes.mode ?? 'stream',
    dag: [
      {
        id: 'list',
        type: 'fs-source',
        format: 'list',
        addr: 's:1',
        topics: 's3a://texts',
        user: 'a',
        password: 'b',
        out: ['map'],
      },
      {
        id: 'map',
        type: 'raw',
        parallelism: changes.parallelism ?? 1,
        schema: changes.schema ?? chainSchema,
        meta: { name: 'map', code: 'def map(ctx, event): return {"n": 1}', ...changes.meta },
        out: ['leaf'],
      },
      { id: 'leaf', type: 'raw', meta: { name: 'leaf', code: 'def leaf(ctx, event): return None' } },
    ],
  };
}
