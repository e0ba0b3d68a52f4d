import type { AvroType, EnumType, UnionType } from '../../lib/topology/avro/avro-type';
import type { GeneratedCode } from './generated-code';
import { baseValue, logicalOf, logicalShapeOf } from './logical-value';
import { isWrapped } from './misfit';
import { Shape, shapeOf } from './value-shape';

/** Generates the code of the branches. */
export interface BranchCompiler {
  readonly code: GeneratedCode<object>;
  /** An expression that writes a variable, or records it as a fault. */
  write(type: AvroType, variable: string): string;
  /** The name of the map from an enum's symbols to their indexes. */
  symbolsOf(type: EnumType): string;
}

interface Branch {
  readonly index: number;
  readonly type: AvroType;
  /** The primitive, or the kind. */
  readonly is: string;
}

/**
 * The body of a function that writes a union: the first branch, in the union's order, that holds the value exactly. Whole
 * numbers prefer int and long to float and double; a fraction that none holds exactly takes double, or else float.
 */
export function compileUnion(compiler: BranchCompiler, union: UnionType): string {
  const branches = union.branches.map((type, index): Branch => {
    return { index, type, is: type.kind === 'primitive' ? type.name : type.kind };
  });
  return new UnionCode(compiler, union, branches).body();
}

/** What is asked of an object, in this order: that it is complete, and that its whole numbers are held exactly. */
const trials = [
  [true, true],
  [false, true],
  [true, false],
  [false, false],
] as const;

class UnionCode {
  private readonly miss: string;

  constructor(
    private readonly compiler: BranchCompiler,
    private readonly union: UnionType,
    private readonly branches: readonly Branch[],
  ) {
    this.miss = `w.miss(v, ${compiler.code.constant(union)})`;
  }

  body(): string {
    const cases = [
      this.simple('null', 'v === null'),
      this.simple('boolean', "typeof v === 'boolean'"),
      this.of('string', 'enum').length > 0 ? `if (typeof v === 'string') { ${this.texts()} return ${this.miss}; }` : '',
      this.numbers(),
      `if (typeof v === 'object' && v !== null) { ${this.objects()} }`,
      `return ${this.miss};`,
    ];
    return cases.filter((text) => text !== '').join('\n');
  }

  private of(...kinds: readonly string[]): readonly Branch[] {
    return this.branches.filter(({ is }) => kinds.includes(is));
  }

  private simple(kind: string, condition: string): string {
    return this.of(kind).map((branch) => `if (${condition}) return ${this.into(branch)};`)[0] ?? '';
  }

  /** Writes the index of a branch, then the variable. */
  private into(branch: Branch, variable = 'v'): string {
    return `w.count(${branch.index}) && ${this.compiler.write(branch.type, variable)}`;
  }

  private texts(): string {
    const cases = this.of('string', 'enum').map((branch) =>
      branch.type.kind === 'enum'
        ? `if (${this.compiler.symbolsOf(branch.type)}.has(v)) return ${this.into(branch)};`
        : `return ${this.into(branch)};`,
    );
    return cases.join('\n');
  }

  private numbers(): string {
    const whole = this.of('int', 'long');
    const real = this.of('float', 'double');
    if (whole.length + real.length === 0) return '';
    // minus zero is a whole number only where nothing else holds it
    const isWhole = real.length === 0 ? 'Number.isInteger(v)' : 'Number.isInteger(v) && !Object.is(v, -0)';
    const inWhole = whole.map(({ is, ...branch }) =>
      is === 'int'
        ? `if (v >= -2147483648 && v <= 2147483647) return ${this.into({ is, ...branch })};`
        : `if (Number.isSafeInteger(v)) return ${this.into({ is, ...branch })};`,
    );
    const inReal = real.map(({ is, ...branch }) =>
      is === 'double'
        ? `return ${this.into({ is, ...branch })};`
        : `if (v !== v || Math.fround(v) === v) return ${this.into({ is, ...branch })};`,
    );
    const rounded = this.of('double').length > 0 ? [] : this.of('float').map((branch) => this.tried(branch));
    const big = [...whole, ...real].map((branch) => this.tried(branch));
    return `if (typeof v === 'number') {
        ${whole.length > 0 ? `if (${isWhole}) { ${inWhole.join('\n')} }` : ''}
        ${[...inReal, ...rounded].join('\n')}
        return ${this.miss};
      }
      if (typeof v === 'bigint') { ${big.join('\n')} return ${this.miss}; }`;
  }

  /** Writes a number or bigint in a branch if it fits there. */
  private tried(branch: Branch): string {
    return `{ const start = w.pos; if (w.count(${branch.index}) && w.${branch.is}(v)) return true; w.pos = start; }`;
  }

  private objects(): string {
    const shape = `const shape = ${this.compiler.code.constant(shapeOf)}(v);`;
    const bytes = this.of('bytes', 'fixed').map((branch) =>
      branch.type.kind === 'fixed'
        ? `if (v.byteLength === ${branch.type.size}) return ${this.into(branch)};`
        : `return ${this.into(branch)};`,
    );
    const logical = [Shape.date, Shape.decimal, Shape.duration].map((shape) => {
      const takers = this.branches.filter(({ type }) => logicalShapeOf(type) === shape);
      // of several decimals, the one of the value's own scale first, so that what was read is written as it was
      const ofScale = takers.length < 2 ? [] : takers.flatMap((branch) => this.logical(branch, scaleOf(branch.type)));
      return { shape, cases: [...ofScale, ...takers.flatMap((branch) => this.logical(branch))] };
    });
    const only = (shapes: Shape, cases: readonly string[]) =>
      cases.length === 0 ? '' : `if (shape === ${shapes}) { ${cases.join('\n')} return ${this.miss}; }`;
    return [
      shape,
      only(
        Shape.array,
        this.of('array').map((branch) => `return ${this.into(branch)};`),
      ),
      only(Shape.bytes, bytes),
      ...logical.map(({ shape, cases }) => only(shape, cases)),
      only(
        Shape.map,
        this.of('map').map((branch) => `return ${this.into(branch)};`),
      ),
      this.records(),
    ].join('\n');
  }

  private logical(branch: Branch, scale: number | null | undefined = null): readonly string[] {
    if (scale === undefined) return [];
    const { code } = this.compiler;
    const isOfScale = scale === null ? '' : `v.scale === ${scale} && `;
    const fits = `{
      const x = ${code.constant(baseValue)}(v, ${code.constant(branch.type)});
      if (${isOfScale}x !== undefined) return ${this.into(branch, 'x')};
    }`;
    return [fits];
  }

  /**
   * Plain objects: the first record that fits, then the map. Defaults fill fields that are left out only if no branch fits
   * without, so that what was read is written as it was: an empty map is no record of defaults. Whole numbers are rounded to
   * floats only if no branch holds them.
   */
  private records(): string {
    const candidates = [...this.of('record'), ...this.of('map')];
    const [only, ...others] = candidates;
    if (only === undefined) return '';
    const shapes = this.of('record').length > 0 ? `shape <= ${Shape.instance}` : `shape === ${Shape.plain}`;
    if (others.length === 0) {
      const { code } = this.compiler;
      const wrapped = `${code.constant(isWrapped)}(${code.constant(this.union)}, v)`;
      return `if (${shapes}) return (${this.into(only)}) || (${wrapped} && ${this.miss});`;
    }
    const tries = candidates.map((branch) => {
      const id = this.branchId(branch);
      return `if (!w.hasFailed(v, ${id})) {
        if (${this.into(branch)}) { w.complete = complete; w.exact = exact; return true; }
        faults.push({ branch: ${this.compiler.code.constant(branch.type)}, fault: w.fault });
        if (!w.undo(mark, v, ${id})) return false;
      }`;
    });
    return `if (${shapes}) {
        const mark = w.mark(), { complete, exact } = w;
        let faults;
        for (const [isComplete, isExact] of ${this.compiler.code.constant(trials)}) {
          if ((complete && !isComplete) || (exact && !isExact)) continue;
          w.complete = isComplete;
          w.exact = isExact;
          faults = [];
          ${tries.join('\n')}
        }
        w.complete = complete;
        w.exact = exact;
        return ${this.miss.slice(0, -1)}, { branches: faults });
      }`;
  }

  /** A number for the branch's type within this code. */
  private branchId(branch: Branch): string {
    return this.compiler.code.constant(branch.type).slice(1);
  }
}

function scaleOf(type: AvroType): number | undefined {
  const logical = logicalOf(type);
  return logical?.name === 'decimal' ? logical.scale : undefined;
}
