// tributary tools promql-test: runs scripts of the PromQL test language.

import { readFile } from 'node:fs/promises';
import { backgroundRequest, type RequestContext } from '../../pkg/async/request.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool } from '../../pkg/config/flag-kinds.ts';
import { messageOf } from '../../pkg/errors/fault.ts';
import { runScriptText, type StatementOutcome } from '../../pkg/promql/run-script.ts';
import { defineCommand } from '../command-spec.ts';

const promqlTestFlags = {
  json: bool(false, 'Print one JSON document for machines in place of lines.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools promql-test',
  summary: 'Run scripts of the PromQL test language and say what passed and failed.',
  operands: '<file> ...',
  flags: promqlTestFlags,
  async run(values, { stdout, stop, operands = [] }) {
    const request = backgroundRequest(stop);
    const reports: FileReport[] = [];
    for (const path of operands) {
      stop.throwIfAborted();
      const report = await runFile(request, path);
      reports.push(report);
      if (!values.json) stdout.write(printReport(report));
    }
    if (values.json) stdout.write(`${JSON.stringify({ files: reports })}\n`);
    return reports.every(({ failures, error }) => failures.length === 0 && error === undefined) ? 0 : 1;
  },
});

interface FileReport {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly StatementOutcome[];
  /** Why the file could not be run at all. */
  readonly error?: string;
}

async function runFile(request: RequestContext, file: string): Promise<FileReport> {
  try {
    const outcomes = await runScriptText(request, await readFile(file, 'utf8'));
    const failures = outcomes.filter(({ difference }) => difference !== '');
    return { file, passed: outcomes.length - failures.length, failures };
  } catch (thrown) {
    return { file, passed: 0, failures: [], error: messageOf(thrown) };
  }
}

function printReport({ file, passed, failures, error }: FileReport): string {
  if (error !== undefined) return `${file}: ${error}\n`;
  const lines = failures.map(
    ({ line, expression, difference }) =>
      `${file}:${line}: ${expression}\n    ${difference.replaceAll('\n', '\n    ')}`,
  );
  return [...lines, `${file}: ${passed} passed, ${failures.length} failed`, ''].join('\n');
}
