// The signatures of all functions.

import type { ValueType } from './ast.ts';

export interface Signature {
  readonly name: string;
  readonly args: readonly ValueType[];
  /** 0: exactly `args`; n > 0: from one less than `args` to n - 1 more; -1: from one less than `args` upwards. */
  readonly variadic: number;
  readonly returns: ValueType;
  /** Hidden behind the experimental flag. */
  readonly experimental: boolean;
}

/** The signature of a function, undefined when there is no such function. */
export function signatureOf(name: string): Signature | undefined {
  return signatures.get(name);
}

/** Of all functions. */
export function functionNames(): readonly string[] {
  return [...signatures.keys()];
}

const signatures = new Map<string, Signature>();

function define(names: string, args: readonly ValueType[], more: Partial<Signature> = {}): void {
  for (const name of names.split(' '))
    signatures.set(name, { name, args, variadic: 0, returns: 'vector', experimental: false, ...more });
}

const experimental = { experimental: true } as const;

define('abs ceil floor exp sqrt ln log2 log10 sgn deg rad', ['vector']);
define('sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh', ['vector']);
define('clamp', ['vector', 'scalar', 'scalar']);
define('clamp_min clamp_max', ['vector', 'scalar']);
define('round', ['vector', 'scalar'], { variadic: 1 });
define('sort sort_desc timestamp absent', ['vector']);
define('days_in_month day_of_month day_of_week day_of_year hour minute month year', ['vector'], { variadic: 1 });
define('time pi', [], { returns: 'scalar' });
define('scalar', ['vector'], { returns: 'scalar' });
define('vector', ['scalar']);
define('rate increase delta irate idelta resets changes deriv', ['matrix']);
define('avg_over_time min_over_time max_over_time sum_over_time count_over_time', ['matrix']);
define('stddev_over_time stdvar_over_time last_over_time present_over_time absent_over_time', ['matrix']);
define('quantile_over_time', ['scalar', 'matrix']);
define('predict_linear', ['matrix', 'scalar']);
define('label_replace', ['vector', 'string', 'string', 'string', 'string']);
define('label_join', ['vector', 'string', 'string', 'string'], { variadic: -1 });
define('histogram_quantile', ['scalar', 'vector']);
define('histogram_fraction', ['scalar', 'scalar', 'vector']);
define('histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar', ['vector']);
define('first_over_time', ['matrix']);
define('double_exponential_smoothing', ['matrix', 'scalar', 'scalar'], experimental);
define('mad_over_time', ['matrix'], experimental);
define('ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', ['matrix'], experimental);
define('sort_by_label sort_by_label_desc', ['vector', 'string'], { variadic: -1, experimental: true });
define('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], { variadic: 9, experimental: true });
define('start_timestamp', ['vector'], experimental);
define('start end step range', [], { returns: 'scalar', experimental: true });
define('min_of max_of', ['scalar', 'scalar'], { returns: 'scalar', experimental: true });
define('info', ['vector', 'vector'], { variadic: 1, experimental: true });
