import {
  failureModeOf,
  mapLimitsOf,
  mergePolicies,
  type PolicyDocument,
  policySchema,
} from '../document/policy-schema';
import type {
  BranchSyntax,
  ConstantSyntax,
  LabelsSyntax,
  ResourceSyntax,
  Statement,
  StepSyntax,
  SubflowSyntax,
  TaskCall,
} from '../language/syntax';
import { checkGuard } from './check-guard';
import { checkResource } from './check-resource';
import { compileCall } from './compile-call';
import type { CompileContext } from './compile-context';
import { type LabelEdge, ScopeLabels } from './scope-labels';

/** The first and last node of a step; for a task, both are the same. */
interface Compiled {
  readonly entry: number;
  readonly exit: number;
}

type Ends = { readonly ends: readonly number[]; readonly isMerged: boolean };

/** Compiles the statements of a flow or subflow into the region of an entry node, up to its sink. */
export class ScopeCompiler {
  private readonly labels: ScopeLabels;
  private readonly ends: number[] = [];
  private isMerged = false;

  constructor(
    private readonly context: CompileContext,
    private readonly region: number,
  ) {
    this.labels = new ScopeLabels(context.problems, context.isComplete);
  }

  /** The nodes that lead to the end of the region, with all edges between them. */
  compile(statements: readonly Statement[]): Ends {
    for (const statement of statements) this.statement(statement);
    for (const edge of this.labels.edges()) this.connectByLabel(edge);
    return { ends: this.ends, isMerged: this.isMerged };
  }

  private statement({ source, steps, destination }: Statement): void {
    let before = source === undefined ? this.region : source.kind === 'labels' ? undefined : this.source(source);
    for (const step of steps) {
      const { entry, exit } = this.step(step);
      if (before === undefined) this.readLabels(source as LabelsSyntax, entry);
      else this.connect(before, entry, step.at);
      if (step.input !== undefined) this.labels.addAtStep('input', step.input, entry);
      if (step.output !== undefined) this.labels.addAtStep('output', step.output, exit);
      before = exit;
    }
    if (before === undefined) return;
    if (destination === undefined) this.ends.push(before);
    else if (destination.kind === 'resource') {
      const { uri, parameters, at } = destination;
      checkResource(destination, this.context.problems);
      const store = this.add({ kind: 'store', uri, ...parametersOf(parameters), at: this.position(at) });
      this.connect(before, store, at);
      this.ends.push(store);
    } else if (destination.name !== 'end') this.labels.addDestination(destination, before);
    else {
      this.ends.push(before);
      this.isMerged ||= destination.merge === true;
    }
  }

  private readLabels({ labels }: LabelsSyntax, entry: number): void {
    for (const label of labels) {
      if (label.name === 'start') this.connect(this.region, entry, label.at);
      else this.labels.addSource(label, entry);
    }
  }

  /** The node of a constant or resource that a statement begins with. */
  private source(source: ConstantSyntax | ResourceSyntax): number {
    const at = this.position(source.at);
    if (source.kind === 'resource') checkResource(source, this.context.problems);
    const node = this.add(
      source.kind === 'constant'
        ? { kind: 'source', value: source.value, at }
        : { kind: 'load', uri: source.uri, ...parametersOf(source.parameters), at },
    );
    this.connect(this.region, node, source.at);
    return node;
  }

  private step(step: StepSyntax): Compiled {
    const { mode, guard, run } = step;
    const at = this.position(step.at);
    if (guard !== undefined) checkGuard(guard, run, this.context.problems);
    const conditional = {
      ...(mode === 'merge' ? { merge: true as const } : {}),
      ...(guard === undefined ? {} : { guard: guard.text }),
    };
    if (mode !== 'map') {
      const compiled = this.run(run, { conditional });
      this.catch(step, compiled.entry);
      return compiled;
    }
    const policy = this.policyOf(run);
    const { optional, ...rest } = policy;
    const entry = this.add({ kind: 'map', end: 0, ...mapLimitsOf(policy), optional: failureModeOf({ optional }), at });
    const body = new ScopeCompiler(this.context, entry).run(run, { conditional, policy: { ...rest, map: undefined } });
    this.context.draft.connect(entry, body.entry);
    const exit = this.close(entry, { ends: [body.exit], isMerged: false });
    this.catch(step, entry);
    return { entry, exit };
  }

  /** `policy`: that of the body of a map, instead of its own. */
  private run(
    run: BranchSyntax['run'],
    options: { readonly conditional: object; readonly policy?: PolicyDocument },
  ): Compiled {
    const definition = run.kind === 'task' ? this.context.definitions.of(run.name) : undefined;
    if (run.kind === 'task' && definition?.statements === undefined) {
      const node = this.add(compileCall(run, this.context, { ...options, isMapped: options.policy !== undefined }));
      return { entry: node, exit: node };
    }
    const policy = options.policy ?? this.policyOf(run);
    if (options.policy === undefined) this.refuseMapLimits(policy, run);
    const named =
      definition === undefined
        ? {}
        : { name: definition.name, ...(definition.doc === undefined ? {} : { doc: definition.doc }) };
    const fields = { ...options.conditional, optional: failureModeOf(policy), ...named, at: this.position(run.at) };
    const entry = this.add({ kind: 'flow', end: 0, ...fields });
    const scope = new ScopeCompiler(this.context, entry);
    if (run.kind === 'subflow') return { entry, exit: this.close(entry, scope.compile(run.statements)) };
    if (run.kind === 'list') {
      const statements = run.tasks.map((task) => ({ at: task.at, steps: [{ at: task.at, run: task }] }));
      return { entry, exit: this.close(entry, scope.compile(statements)) };
    }
    const ends = this.context.within(run, () => scope.compile(definition?.statements ?? []));
    return { entry, exit: this.close(entry, ends ?? { ends: [], isMerged: false }) };
  }

  /** The policy of a step; of a subflow, only what it can have. */
  private policyOf(run: BranchSyntax['run']): PolicyDocument {
    const { problems, definitions } = this.context;
    if (run.kind === 'list') return {};
    const path = run.kind === 'task' ? run.name : 'subflow';
    const own = run.policy === undefined ? {} : (problems.read(policySchema, run.policy, `${path}.with`) ?? {});
    if (run.kind === 'task') {
      const definition = definitions.of(run.name);
      const merged = mergePolicies(definition.policy, own);
      if (definition.statements === undefined) return merged;
      this.checkSubflowPolicy(run, merged, path);
      return merged;
    }
    this.checkSubflowPolicy(run, own, path);
    return own;
  }

  private checkSubflowPolicy(run: TaskCall | SubflowSyntax, policy: PolicyDocument, path: string): void {
    const wrong = Object.keys(policy).filter((key) => key !== 'optional' && key !== 'map');
    if (wrong.length === 0) return;
    const message = `a subflow has no ${wrong.join(', ')}; give it to the tasks in the subflow`;
    this.context.problems.add({
      code: 'setting-invalid',
      at: run.policy?.place.at ?? run.at,
      path: `${path}.with`,
      message,
    });
  }

  private refuseMapLimits(policy: PolicyDocument, run: BranchSyntax['run']): void {
    if (policy.map === undefined || run.kind !== 'subflow') return;
    const message = 'only a step that runs for each item of a list (* X) has limits of a map';
    this.context.problems.add({
      code: 'setting-invalid',
      at: run.policy?.place.at ?? run.at,
      path: 'subflow.with',
      message,
    });
  }

  private catch(step: BranchSyntax, of: number): void {
    if (step.catch === undefined) return;
    const entry = this.add({ kind: 'catch', of, end: 0, at: this.position(step.catch.at) });
    this.context.draft.complete(of, { catch: entry });
    this.branch(step.catch, entry);
  }

  /** A branch alone in its region. */
  branch(branch: BranchSyntax, entry: number): void {
    const scope = new ScopeCompiler(this.context, entry);
    const compiled = scope.run(branch.run, { conditional: {} });
    scope.catch(branch, compiled.entry);
    this.context.draft.connect(entry, compiled.entry);
    this.close(entry, { ends: [compiled.exit], isMerged: false });
  }

  /** Adds the sink of a region. */
  close(entry: number, { ends, isMerged }: Ends): number {
    const { draft, positionOfNode } = this.context;
    const sink = draft.add(entry, {
      kind: 'sink',
      begin: entry,
      ...(isMerged ? { merge: true as const } : {}),
      at: positionOfNode(entry),
    });
    draft.complete(entry, { end: sink });
    for (const end of ends) draft.connect(end, sink);
    return sink;
  }

  private connect(from: number, to: number, at: number): void {
    if (!this.context.draft.connect(from, to)) this.repeated(at);
  }

  private connectByLabel({ from, to, at, merge }: LabelEdge): void {
    if (!this.context.draft.connect(from, to)) this.repeated(at);
    if (merge && !this.context.draft.merge(to)) {
      const message = 'the step that the label leads to runs for each item (*), and cannot merge its input';
      this.context.problems.add({ code: 'setting-invalid', at, message });
    }
  }

  private repeated(at: number): void {
    const message = 'these two steps are connected already; remove one of the edges';
    this.context.problems.add({ code: 'edge-forbidden', at, message });
  }

  private add(fields: Parameters<CompileContext['draft']['add']>[1]): number {
    return this.context.addNode(this.region, fields);
  }

  private position(at: number) {
    return this.context.problems.positionOf(at);
  }
}

function parametersOf(parameters: { readonly value: unknown } | undefined): { readonly parameters?: unknown } {
  return parameters === undefined ? {} : { parameters: parameters.value };
}
