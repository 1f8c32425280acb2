// Tests: a DNS server on loopback, over UDP and TCP, that answers from a table.

import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { type Answer, decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';

/** What is known of a question such as `A up.example`: records, or a code, or silence. */
export type FakeReply =
  | readonly Answer[]
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'silence'
  | { readonly onlyOverTcp: readonly Answer[] };

const codes: Readonly<Record<string, number>> = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 };

export class FakeDnsServer {
  /** By `TYPE name`; what is not there does not exist. Change it at will. */
  readonly replies = new Map<string, FakeReply>();
  /** Every question, as `udp A up.example`. */
  readonly questions: string[] = [];
  /** Answers with an id nobody asked with. */
  forgesIds = false;
  readonly #udp: Socket = createSocket('udp4');
  readonly #tcp: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const reply = this.#reply(streamDecode(bytes), 'tcp');
      if (reply !== undefined) socket.end(streamEncode(reply));
    });
  });

  /** Resolves with `host:port`, the same port for both. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#tcp.listen(0, '127.0.0.1', resolve));
    const address = this.#tcp.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#udp.on('message', (bytes, from) => {
      const reply = this.#reply(decode(bytes), 'udp');
      if (reply !== undefined) this.#udp.send(encode(reply), from.port, from.address);
    });
    await new Promise<void>((resolve) => this.#udp.bind(port, '127.0.0.1', resolve));
    return `127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.#udp.close();
    await new Promise((resolve) => this.#tcp.close(resolve));
  }

  #reply(query: Packet, transport: 'udp' | 'tcp'): Packet | undefined {
    const question = query.questions![0];
    this.questions.push(`${transport} ${question.type} ${question.name}`);
    const known = this.replies.get(`${question.type} ${question.name}`) ?? 'NXDOMAIN';
    if (known === 'silence') return undefined;
    const reply: Packet = {
      type: 'response',
      id: this.forgesIds ? query.id! ^ 1 : query.id,
      questions: query.questions,
    };
    if (typeof known === 'string') return { ...reply, flags: codes[known] };
    if (!('onlyOverTcp' in known)) return { ...reply, answers: [...known] };
    if (transport === 'tcp') return { ...reply, answers: [...known.onlyOverTcp] };
    return { ...reply, flags: TRUNCATED, answers: [] };
  }
}

const TRUNCATED = 1 << 9;

export function a(name: string, ...addresses: readonly string[]): Answer[] {
  return addresses.map((data) => ({ type: 'A', name, ttl: 30, data }));
}

export function aaaa(name: string, ...addresses: readonly string[]): Answer[] {
  return addresses.map((data) => ({ type: 'AAAA', name, ttl: 30, data }));
}

export function cname(name: string, data: string): Answer {
  return { type: 'CNAME', name, ttl: 30, data };
}

export function srv(name: string, ...targets: readonly (readonly [string, number])[]): Answer[] {
  return targets.map(([target, port]) => ({
    type: 'SRV',
    name,
    ttl: 30,
    data: { target, port, priority: 1, weight: 1 },
  }));
}
