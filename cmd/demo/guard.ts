// Ends the programs of the demonstration when the demonstration is gone without having ended them: killed, or its terminal
// closed. A small shell waits at the other end of a pipe, which the system closes whatever way this process ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A line is a program's id, `end` says that everything is ended; without it the programs are asked to stop. */
const SCRIPT = `
pids=
while read -r line; do
  [ "$line" = end ] && exit 0
  pids="$pids $line"
done
[ -z "$pids" ] || kill -TERM $pids 2>/dev/null
`;

export class Guard {
  readonly #child: ChildProcess;

  /** Where there is no shell nobody watches: a demonstration is worth more than its guard. */
  constructor() {
    // A session of its own: what ends this process, such as a signal to its whole group, must not end the guard.
    this.#child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
  }

  /** From now on this program goes when we go. */
  watch(pid: number): void {
    this.#child.stdin?.write(`${pid}\n`);
  }

  /** There is nothing left to watch. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.ref();
    child.stdin?.end('end\n');
    await exited;
  }
}
