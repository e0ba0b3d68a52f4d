/** The metrics of one process in Prometheus' text format. */
export interface MetricsPage {
  readonly text: string;
  /** Becomes a label of each of its samples, which must have labels. */
  readonly replica?: string;
}

/** One page of several processes: each metric is described once, with the samples of all processes below. */
export function joinPages(pages: readonly MetricsPage[]): string {
  const metrics = new Map<string, { readonly head: string[]; readonly samples: string[] }>();
  for (const { text, replica } of pages) {
    let samples: string[] | undefined;
    let isNew = false;
    for (const line of text.split('\n')) {
      const [, name] = /^# (?:HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (name !== undefined) {
        const known = metrics.get(name);
        const metric = known ?? { head: [], samples: [] };
        if (known === undefined) metrics.set(name, metric);
        isNew = known === undefined || (isNew && samples === metric.samples);
        if (isNew) metric.head.push(line);
        samples = metric.samples;
      } else if (line !== '') samples?.push(replica === undefined ? line : withReplica(line, replica));
    }
  }
  return [...metrics.values()].flatMap(({ head, samples }) => [...head, ...samples, '']).join('\n');
}

function withReplica(sample: string, replica: string): string {
  return sample.replace('{', `{replica=${JSON.stringify(replica)},`);
}
