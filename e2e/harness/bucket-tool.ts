// The bucket tools of the reference, run to their end.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `thanos tools bucket <command>` over a bucket. */
export async function bucketTool(thanos: string, command: readonly string[], bucketYaml: string): Promise<ToolResult> {
  const args = ['tools', 'bucket', command[0], `--objstore.config=${bucketYaml}`, ...command.slice(1)];
  try {
    return { code: 0, ...(await promisify(execFile)(thanos, args, { timeout: 60_000, maxBuffer: 64 << 20 })) };
  } catch (thrown) {
    const failed = thrown as ToolResult;
    return { code: Number(failed.code), stdout: failed.stdout, stderr: failed.stderr };
  }
}

/** What `verify` has to say against the bucket's blocks; undefined when there is nothing. */
export async function complaintsOfVerify(thanos: string, bucketYaml: string): Promise<string | undefined> {
  const { code, stderr } = await bucketTool(thanos, ['verify'], bucketYaml);
  const isFine = code === 0 && /level=info.*verify task completed/.test(stderr) && !/level=(warn|error)/.test(stderr);
  return isFine ? undefined : `exit code ${code}: ${stderr}`;
}
