// A program run to its end: how long it took, of the processor too, and the most memory it had.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export interface Measured {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Resident memory at its peak. */
  readonly peakMib: number;
}

const POLL_MS = 10;

/** Throws when it does not end with 0. What it prints on stdout is dropped. */
export async function measured(command: string, args: readonly string[]): Promise<Measured> {
  const since = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, at: performance.now() }));
  const seen = { cpuMs: 0, peakMib: 0 };
  let isRunning = true;
  exited.finally(() => {
    isRunning = false;
  });
  while (isRunning) {
    look(child.pid ?? 0, seen);
    await pause(POLL_MS);
  }
  const end = await exited;
  if (end.code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${end.code}`);
  return { wallMs: end.at - since, ...seen };
}

/** Both grow only, so that the last look before the end is what counts. */
function look(pid: number, seen: { cpuMs: number; peakMib: number }): void {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(status);
    if (peak !== null) seen.peakMib = Number(peak[1]) / 1024;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    seen.cpuMs = (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    // It has ended.
  }
}
