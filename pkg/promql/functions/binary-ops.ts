// Arithmetic and comparison of two floats, as Go computes them.

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
/** Cuts a histogram off above or below a value. */
export type TrimOp = '</' | '>/';
export type ComparisonOp = '==' | '!=' | '>' | '<' | '>=' | '<=';

type Arithmetic = (a: number, b: number) => number;
type Comparison = (a: number, b: number) => boolean;

const arithmetics: Readonly<Record<ArithmeticOp, Arithmetic>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': power,
  atan2: Math.atan2,
};

const comparisons: Readonly<Record<ComparisonOp, Comparison>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

/** The function for an arithmetic operator. */
export function arithmetic(op: ArithmeticOp): Arithmetic {
  return arithmetics[op];
}

/** Whether an operator cuts histograms off. */
export function isTrim(op: string): op is TrimOp {
  return op === '</' || op === '>/';
}

/** The function for a comparison operator. */
export function comparison(op: ComparisonOp): Comparison {
  return comparisons[op];
}

/** Unlike JavaScript, Go has 1 to the power of anything, and -1 to the power of an infinity, be 1. */
function power(a: number, b: number): number {
  if (a === 1) return 1;
  if (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY)) return 1;
  return a ** b;
}
