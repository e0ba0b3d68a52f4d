import type { TopologyDocument } from '../topology/document/document-schema';
import type { AsWritten, RecordType, ValueOf, WritesOf } from './avro-type';
import { type ConnectorBuilders, createConnectorBuilders } from './connector-builders';
import { FlowDeclarations } from './flow-declarations';
import { flowDocument } from './flow-document';
import type { Fitting, FlowOptions, ProcessOptions, TypeFrom } from './flow-options';
import type { FunctionOutput, NoSides, SideTypes } from './flow-output';
import type { ResolvedDocument } from './resolve-document';

/** The builders of sources and sinks as methods: `flow.fsSource(...)`, `flow.s3Sink(...)`. */
const WithConnectorBuilders = class {
  constructor(declarations: FlowDeclarations) {
    Object.assign(this, createConnectorBuilders(declarations));
  }
} as unknown as new (
  declarations: FlowDeclarations,
) => ConnectorBuilders;

/** A flow as code: each method adds a function to the dag and returns its output, which other functions read `from`. */
export class FlowDefinition extends WithConnectorBuilders {
  private readonly declarations: FlowDeclarations;

  constructor(readonly options: FlowOptions) {
    const declarations = new FlowDeclarations();
    super(declarations);
    this.declarations = declarations;
  }

  /** Adds user code that returns none, one or several records for each record it reads. */
  process<
    F extends Fitting<R>,
    R extends RecordType = TypeFrom<F>,
    W extends RecordType = TypeFrom<F>,
    S extends SideTypes = NoSides,
  >(id: string, options: ProcessOptions<F, R, W, S>): FunctionOutput<WritesOf<W>, AsWritten<ValueOf<W>>, S> {
    return this.declarations.addProcess(id, 'raw', options) as FunctionOutput<WritesOf<W>, AsWritten<ValueOf<W>>, S>;
  }

  /**
   * The document, equivalent to its YAML form. `readTopology` reports problems of the document. Throws ConfigError with
   * every function whose code cannot be written as text, does not exist, or cannot read its input.
   */
  document(): TopologyDocument {
    return this.resolve().document;
  }

  /** The document, and the objects of Kubernetes that its options refer to. Throws as `document` does. */
  resolve(): ResolvedDocument {
    return flowDocument(this.options, this.declarations.functions);
  }
}

/** Starts a flow in TypeScript. Add functions with its methods, and export the flow from the file. */
export function defineFlow(options: FlowOptions): FlowDefinition {
  return new FlowDefinition(options);
}
