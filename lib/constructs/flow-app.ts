import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ApiObject, App, Chart, Names, YamlOutputType } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { ConfigError } from '../errors';
import type { Flow } from './flow';
import { type Manifest, renderYaml } from './manifest';

/**
 * A faster `App` of cdk8s: it validates all charts once, and writes YAML with a faster library. Use it wherever an App is
 * expected. cdk8s itself synthesizes an app whose constructs depend on each other, because it sorts them.
 */
export class FlowApp extends App {
  /** Writes the manifests, and prints to stderr what they need in the cluster. */
  override synth(): void {
    this.write();
    // cdk8s makes `instanceof Flow` true for every chart
    const notes = this.node.findAll().flatMap((construct) => (construct as Partial<Flow>).notes ?? []);
    for (const note of new Set(notes)) process.stderr.write(note);
  }

  private write(): void {
    if (this.yamlOutputType !== YamlOutputType.FILE_PER_CHART || this.node.findAll().some(isOrdered)) {
      super.synth();
      return;
    }
    const texts = this.texts();
    mkdirSync(this.outdir, { recursive: true });
    for (const [name, text] of texts) writeFileSync(path.join(this.outdir, name), text);
  }

  /** The YAML of each chart, by file name. Throws as `manifests` does. */
  texts(): ReadonlyMap<string, string> {
    return new Map([...this.manifests()].map(([name, objects]) => [name, renderYaml(objects)]));
  }

  /** The objects of each chart, by file name. Throws ConfigError with the faults of all constructs, each with its path. */
  manifests(): ReadonlyMap<string, readonly Manifest[]> {
    const nodes = this.node.findAll();
    const faults = nodes.flatMap((construct) =>
      construct.node.validate().map((fault) => `[${construct.node.path}] ${fault}`),
    );
    if (faults.length > 0) {
      const text = `Validation failed with the following errors:\n  ${faults.join('\n  ')}`;
      throw new ConfigError('config-invalid', text);
    }
    const charts = new Map<Chart, Manifest[]>();
    for (const construct of nodes) {
      if (Chart.isChart(construct)) charts.set(construct, []);
      else if (ApiObject.isApiObject(construct)) charts.get(construct.chart)?.push(construct.toJson());
    }
    return new Map(
      [...charts].map(([chart, objects]) => [`${Names.toDnsLabel(chart)}${this.outputFileExtension}`, objects]),
    );
  }
}

/** Whether cdk8s must sort for a construct: it depends on others, or is a chart within a chart. */
function isOrdered({ node }: IConstruct): boolean {
  return node.dependencies.length > 0 || node.scopes.filter(Chart.isChart).length > 1;
}
