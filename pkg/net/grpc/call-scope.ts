// The life of one incoming call: its context, whose signal aborts when the caller leaves or its deadline passes, and the
// one moment it ends.

import type { EventEmitter } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import { sharedSignal } from '../../async/deadline.ts';
import type { RequestContext } from '../../async/request.ts';
import { Fault, kindOf } from '../../errors/fault.ts';
import { contextOf } from './metadata.ts';
import { codeOf } from './status.ts';

interface IncomingCall extends EventEmitter {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getDeadline(): Date | number;
}

export class CallScope {
  readonly request: RequestContext;
  readonly #controller = new AbortController();
  readonly #ended: (code: number) => void;
  #open = true;

  /** `ended` is called once, with the code the call ended with. */
  constructor(call: IncomingCall, ended: (code: number) => void) {
    this.request = contextOf(call.metadata, sharedSignal(this.#controller.signal));
    this.#ended = ended;
    const left = (): void => {
      if (!this.#open) return;
      const late = Number(call.getDeadline()) <= Date.now();
      this.abort(late ? new Fault('timeout', 'deadline passed') : new Fault('canceled', 'caller left'));
    };
    call.once('cancelled', left);
    if (call.cancelled) left();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts the work; the reason decides the code. */
  abort(reason: Fault): void {
    this.#controller.abort(reason);
  }

  /** The code of an aborted call: whatever the work made of the abort, this is why it ended. */
  codeOfAbort(): number | undefined {
    const { signal } = this;
    if (!signal.aborted) return undefined;
    return kindOf(signal.reason) === 'internal' ? codeOf(new Fault('canceled', '')) : codeOf(signal.reason);
  }

  end(code: number): void {
    if (!this.#open) return;
    this.#open = false;
    this.#ended(code);
  }
}
