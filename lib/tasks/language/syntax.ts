import type { Place } from '../../topology/read/document-source';

/** The parts of a task flow as written. `at` and `end` are offsets in the text. */
export interface TaskFlowSyntax {
  readonly flow?: FlowDeclaration;
  readonly tasks: readonly TaskDeclaration[];
  readonly finally?: BranchSyntax;
  readonly statements: readonly Statement[];
  /** Offsets of all declarations, those that a later one replaces among them. */
  readonly declarations: readonly number[];
}

interface Placed {
  readonly at: number;
}

/** Data in JSON or YAML, with the position of each part. */
export interface WrittenValue {
  readonly value: unknown;
  readonly place: Place;
}

export interface FlowDeclaration extends Placed {
  readonly name: string;
  readonly parameters?: WrittenValue;
  readonly doc?: string;
}

export interface TaskDeclaration extends Placed {
  readonly name: string;
  readonly base?: string;
  readonly parameters?: WrittenValue;
  readonly policy?: WrittenValue;
  readonly doc?: string;
  /** A task that stands for these statements. */
  readonly statements?: readonly Statement[];
}

export interface Statement extends Placed {
  /** Absent: the start of the flow around. */
  readonly source?: StatementSource;
  readonly steps: readonly StepSyntax[];
  /** Absent: the end of the flow around. */
  readonly destination?: StatementDestination;
}

export type StatementSource = LabelsSyntax | ConstantSyntax | ResourceSyntax;

export type StatementDestination = DestinationLabel | ResourceSyntax;

export interface LabelSyntax extends Placed {
  readonly kind: 'label';
  readonly name: string;
}

/** The first step gets the outputs behind all of these labels. */
export interface LabelsSyntax extends Placed {
  readonly kind: 'labels';
  readonly labels: readonly LabelSyntax[];
}

/** With `merge`, the step that the label leads to merges its input, or the end does. */
export interface DestinationLabel extends LabelSyntax {
  readonly merge?: true;
}

export interface ConstantSyntax extends Placed, WrittenValue {
  readonly kind: 'constant';
}

export interface ResourceSyntax extends Placed {
  readonly kind: 'resource';
  readonly uri: string;
  readonly parameters?: WrittenValue;
}

/** A task, list or subflow, with what happens when it fails. */
export interface BranchSyntax extends Placed {
  readonly run: TaskCall | ListSyntax | SubflowSyntax;
  readonly catch?: BranchSyntax;
}

export interface StepSyntax extends BranchSyntax {
  readonly input?: LabelSyntax;
  readonly output?: LabelSyntax;
  readonly mode?: 'map' | 'merge';
  readonly guard?: GuardSyntax;
}

export interface GuardSyntax extends Placed {
  readonly text: string;
}

export interface TaskCall extends Placed {
  readonly kind: 'task';
  readonly name: string;
  readonly parameters?: WrittenValue;
  readonly policy?: WrittenValue;
}

interface ListSyntax extends Placed {
  readonly kind: 'list';
  readonly tasks: readonly TaskCall[];
}

export interface SubflowSyntax extends Placed {
  readonly kind: 'subflow';
  readonly statements: readonly Statement[];
  readonly policy?: WrittenValue;
}
