/** The JSON form of a task flow: the parts of the text by name. */
export interface TaskFlowDocument {
  readonly flow?: { readonly name: string; readonly parameters?: unknown; readonly doc?: string };
  readonly tasks?: { readonly [name: string]: TaskDocument };
  readonly statements: readonly StatementDocument[];
  readonly finally?: BranchDocument;
}

interface TaskDocument {
  readonly base?: string;
  readonly parameters?: unknown;
  readonly with?: unknown;
  readonly doc?: string;
  readonly statements?: readonly StatementDocument[];
}

export interface StatementDocument {
  readonly from?: SourceDocument;
  readonly steps: readonly StepDocument[];
  readonly to?: DestinationDocument;
}

export type SourceDocument =
  | { readonly label: string }
  | { readonly labels: readonly string[] }
  | { readonly constant: unknown }
  | { readonly load: string; readonly parameters?: unknown };

export type DestinationDocument =
  | { readonly label: string; readonly merge?: boolean }
  | { readonly store: string; readonly parameters?: unknown };

export interface CallDocument {
  readonly task: string;
  readonly parameters?: unknown;
  readonly with?: unknown;
}

export interface BranchDocument extends Partial<CallDocument> {
  readonly tasks?: readonly CallDocument[];
  readonly statements?: readonly StatementDocument[];
  readonly catch?: BranchDocument;
}

export interface StepDocument extends BranchDocument {
  readonly input?: string;
  readonly output?: string;
  readonly mode?: 'map' | 'merge';
  readonly guard?: string;
}
