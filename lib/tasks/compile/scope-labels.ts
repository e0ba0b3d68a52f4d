import { suggest } from '../../topology/problem/nearest-name';
import type { TaskFlowProblems } from '../document/task-flow-problems';
import type { DestinationLabel, LabelSyntax } from '../language/syntax';

interface LabelUse {
  readonly node: number;
  readonly at: number;
  readonly merge?: true;
}

interface Uses {
  /** The step that the label follows: `A :x`. */
  output?: LabelUse;
  /** The step that the label precedes: `:x A`. */
  input?: LabelUse;
  /** Steps behind `:x →`. */
  readonly sources: LabelUse[];
  /** What leads to `→ :x`. */
  readonly destinations: LabelUse[];
}

export interface LabelEdge {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  /** Of `→ > :x`: the step that gets it merges its input. */
  readonly merge?: true;
}

/** The labels of one flow or subflow. They are known only there, in any order. */
export class ScopeLabels {
  private readonly uses = new Map<string, Uses>();

  /** `isComplete`: false if a part of the text could not be read, so that labels may be missing. */
  constructor(
    private readonly problems: TaskFlowProblems,
    private readonly isComplete: boolean,
  ) {}

  /** A label at a step. Reports a second one of the same name, and reserved names. */
  addAtStep(side: 'input' | 'output', { name, at }: LabelSyntax, node: number): void {
    if (name === 'start' || name === 'end') {
      const use = name === 'start' ? ':start → A' : 'A → :end';
      this.report(name, at, `the label is reserved; it is only possible as in "${use}"`);
      return;
    }
    const uses = this.of(name);
    const before = uses[side];
    if (before === undefined) uses[side] = { node, at };
    else {
      const { line, col } = this.problems.positionOf(before.at);
      const advice = side === 'output' ? `use ":${name} →" to read it` : `use "→ :${name}" to lead there`;
      this.report(
        name,
        at,
        `the ${side} label already exists in line ${line}, column ${col}; ${advice}`,
        'id-duplicate',
      );
    }
  }

  addSource({ name, at }: LabelSyntax, node: number): void {
    if (name === 'end') this.report(name, at, 'the end has no output; only ":start →" begins a statement');
    else this.of(name).sources.push({ node, at });
  }

  addDestination({ name, at, merge }: DestinationLabel, node: number): void {
    if (name === 'start') this.report(name, at, 'nothing leads back to the start; only "→ :end" ends a statement');
    else this.of(name).destinations.push({ node, at, ...(merge && { merge }) });
  }

  /** The edges of all labels. Reports labels that only one side uses. */
  edges(): readonly LabelEdge[] {
    return [...this.uses].flatMap(([name, { output, input, sources, destinations }]) => {
      const isTwoLabels = output !== undefined && input !== undefined;
      const readers = [...(input === undefined ? [] : [input]), ...(isTwoLabels ? [] : sources)];
      const outputs = output === undefined ? [] : [output];
      const writers = [...outputs, ...(isTwoLabels ? [] : destinations)];
      for (const use of writers.length === 0 ? sources : []) this.unknown(name, use.at, 'output');
      for (const use of [...sources, ...readers].length === 0 ? destinations : []) this.unknown(name, use.at, 'input');
      if (isTwoLabels) {
        return [...pairs(outputs, [input, ...sources]), ...pairs(destinations, [input])];
      }
      return pairs(writers, readers);
    });
  }

  private unknown(name: string, at: number, side: 'input' | 'output'): void {
    if (!this.isComplete) return;
    // among many labels, the most similar one takes too long to find
    const others = this.uses.size > 500 ? [] : [...this.uses.keys()].filter((each) => each !== name);
    const missing =
      side === 'output'
        ? `no step has it as its output (A :${name}), and nothing leads to it`
        : `no step has it as its input (:${name} A), and nothing reads it`;
    this.report(name, at, `unknown ${side} label: ${missing}${suggest(name, others, 0)}`, 'edge-unknown');
  }

  private of(name: string): Uses {
    const known = this.uses.get(name);
    if (known !== undefined) return known;
    const uses: Uses = { sources: [], destinations: [] };
    this.uses.set(name, uses);
    return uses;
  }

  private report(
    name: string,
    at: number,
    message: string,
    code: 'name-invalid' | 'id-duplicate' | 'edge-unknown' = 'name-invalid',
  ): void {
    this.problems.add({ code, at, path: `:${name}`, message });
  }
}

function pairs(writers: readonly LabelUse[], readers: readonly LabelUse[]): readonly LabelEdge[] {
  return writers.flatMap((writer) =>
    readers.map((reader) => ({
      from: writer.node,
      to: reader.node,
      at: Math.max(writer.at, reader.at),
      ...(writer.merge && { merge: writer.merge }),
    })),
  );
}
