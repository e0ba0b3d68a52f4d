import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ApiObject, App, Chart, Names, YamlOutputType } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { ConfigError } from '../errors';
import type { Flow } from './flow';
import type { Manifest } from './manifest';
import { renderYaml } from './render-yaml';
import { secretNotes } from './secret-notes';

/**
 * cdk8s's App, faster: it checks once for all charts, and writes its YAML with a quicker library. Use it wherever an App
 * is used; `cdk8s synth` takes both. An app whose constructs depend on each other is left to cdk8s, which sorts them.
 */
export class FlowApp extends App {
  /** Writes the manifests, and on stderr how to create each Secret that they refer to. */
  override synth(): void {
    this.write();
    // charts of any kind are instances of Flow to cdk8s
    const plans = this.node.findAll().flatMap((construct) => (construct as Partial<Flow>).plan ?? []);
    for (const note of secretNotes(plans)) process.stderr.write(note);
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

  /** The YAML of each chart by its file's name. Throws as `manifests` does. */
  texts(): ReadonlyMap<string, string> {
    return new Map([...this.manifests()].map(([name, objects]) => [name, renderYaml(objects)]));
  }

  /** The objects of each chart by its file's name. Throws ConfigError with every fault of every construct, by its path. */
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

/** Whether a construct has a place in an order: it depends on others, or is a chart within a chart. */
function isOrdered({ node }: IConstruct): boolean {
  return node.dependencies.length > 0 || node.scopes.filter(Chart.isChart).length > 1;
}
