// /api/v1/format_query and /api/v1/parse_query: what an expression is, without running it.

import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import type { Expression } from '../../promql/parser/ast.ts';
import { parse } from '../../promql/parser/parse.ts';
import { prettify } from '../../promql/parser/pretty.ts';
import { treeJson } from '../../promql/parser/tree-json.ts';
import type { QuerierConfig } from '../querier-config.ts';

/** `/format_query`: the expression over several lines. Throws `invalid` for what is none. */
export async function handleFormatQuery(config: QuerierConfig, request: ApiRequest): Promise<ApiAnswer> {
  return { data: prettify(parsed(config, request)), warnings: [] };
}

/** `/parse_query`: its tree. Throws `invalid` for what is none. */
export async function handleParseQuery(config: QuerierConfig, request: ApiRequest): Promise<ApiAnswer> {
  return { data: treeJson(parsed(config, request)), warnings: [] };
}

function parsed({ language }: QuerierConfig, { parameters }: ApiRequest): Expression {
  return parse(parameters.text('query'), { ...language, experimental: language.experimentalFunctions });
}
