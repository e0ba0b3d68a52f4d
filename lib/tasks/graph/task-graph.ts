import type { FailureMode, TaskPolicy } from './task-policy';

/** A place in the text of a task flow. Lines and columns start at 1. */
export interface TextPosition {
  readonly line: number;
  readonly col: number;
}

/**
 * A compiled task flow: plain JSON, never changed.
 *
 * G1. Nodes are numbered in the order of the text. Node 0 is the start, the last node is the end of the flow.
 * G2. A region is an entry node (start, flow, map, catch, finally) with everything up to its sink (`end`). Regions nest; a
 *     node's `region` is the entry of the innermost one around it.
 * G3. Edges stay within a region, except that an entry leads to the first nodes of its region, and a sink of a flow or map to
 *     what follows the step. Catch and finally have no edges from or to other regions.
 * G4. Edges have no cycle. Every node except start, catch and finally has a predecessor.
 */
export interface TaskGraph {
  /** Name of the flow, from `@flow`. */
  readonly name?: string;
  readonly doc?: string;
  /** Parameters of `@flow`. */
  readonly parameters?: unknown;
  /** Values by which executions are found. */
  readonly attributes?: { readonly [name: string]: string };
  readonly nodes: readonly TaskNode[];
  /** Index of the entry of `@finally`. */
  readonly finally?: number;
}

export type TaskNode =
  | StartNode
  | SourceNode
  | LoadNode
  | StoreNode
  | TaskStepNode
  | ApprovalNode
  | FlowNode
  | MapNode
  | CatchNode
  | FinallyNode
  | SinkNode;

export interface NodeBase {
  readonly index: number;
  /** Entry of the region around this node; 0 for the nodes of the flow itself and for its start. */
  readonly region: number;
  /** Indexes of the nodes that this one gets its input from, ascending. */
  readonly from: readonly number[];
  /** Indexes of the nodes that get its output, ascending. */
  readonly to: readonly number[];
  readonly at: TextPosition;
}

/** What precedes a run: the list of inputs folded into one object, then a condition. */
interface Conditional {
  readonly merge?: true;
  /** A JSONPath; without a match in the input, the step does not run and passes its input on. */
  readonly guard?: string;
}

interface StartNode extends NodeBase {
  readonly kind: 'start';
  readonly end: number;
}

/** A constant. */
interface SourceNode extends NodeBase {
  readonly kind: 'source';
  readonly value: unknown;
}

/** Reads a resource; its content is the output. */
interface LoadNode extends NodeBase {
  readonly kind: 'load';
  /** A template. */
  readonly uri: string;
  readonly parameters?: unknown;
}

/** Writes its input to a resource, and passes the input on. */
interface StoreNode extends NodeBase {
  readonly kind: 'store';
  /** A template. */
  readonly uri: string;
  readonly parameters?: unknown;
}

export interface TaskStepNode extends NodeBase, Conditional {
  readonly kind: 'task';
  readonly name: string;
  /** The task that a worker runs: the target of an alias, else `name`. Its part before the first `:` is the task namespace. */
  readonly base: string;
  readonly parameters?: unknown;
  /** Keys of the parameters whose texts are templates. */
  readonly templates?: readonly string[];
  readonly policy: TaskPolicy;
  /** Index of its catch node. */
  readonly catch?: number;
  readonly doc?: string;
}

/** Waits until a person has filled in a form. */
interface ApprovalNode extends NodeBase, Conditional {
  readonly kind: 'approval';
  readonly name: string;
  readonly title: string;
  readonly form: { readonly [field: string]: FormField };
  readonly deadline?: ApprovalDeadline;
  readonly optional: FailureMode;
  readonly catch?: number;
  readonly doc?: string;
}

/** What happens when nobody has decided in time. */
export interface ApprovalDeadline {
  readonly afterMs: number;
  readonly otherwise: 'reject' | 'fail';
}

export interface FormField {
  readonly type: 'string' | 'number' | 'boolean' | 'enum';
  readonly required: boolean;
  /** Choices of an `enum`. */
  readonly enum?: readonly string[];
  readonly description?: string;
}

export interface FlowNode extends NodeBase, Conditional {
  readonly kind: 'flow';
  /** Name of the declared task that this flow stands for. */
  readonly name?: string;
  readonly end: number;
  readonly optional: FailureMode;
  readonly catch?: number;
  readonly doc?: string;
}

/** Runs its region, a single step, once for each item of a list. */
export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly end: number;
  /** Items that run at a time. */
  readonly limit: number;
  /** Failed items that do not fail the step. */
  readonly tolerate: number;
  readonly optional: FailureMode;
  readonly catch?: number;
}

/** Runs when the step `of` has failed. */
export interface CatchNode extends NodeBase {
  readonly kind: 'catch';
  readonly of: number;
  readonly end: number;
}

/** Runs when the execution is canceled. */
interface FinallyNode extends NodeBase {
  readonly kind: 'finally';
  readonly end: number;
}

/** The end of a region. */
export interface SinkNode extends NodeBase {
  readonly kind: 'sink';
  /** The entry of its region. */
  readonly begin: number;
  readonly merge?: true;
}

/** Nodes that somebody else runs, in contrast to those that only pass values on. */
export type StepNode = TaskStepNode | ApprovalNode | LoadNode | StoreNode;

export type EntryNode = StartNode | FlowNode | MapNode | CatchNode | FinallyNode;

export function isStepNode(node: TaskNode): node is StepNode {
  return ['task', 'approval', 'load', 'store'].includes(node.kind);
}
