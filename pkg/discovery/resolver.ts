// DNS look-ups over UDP, and over TCP when an answer did not fit, with dns-packet for the messages.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';
import { faultOf, throwIfAborted, withTimeout } from '../async/deadline.ts';
import { during, Fault, messageOf } from '../errors/fault.ts';
import { candidateNames, parseResolvConf, type ResolvConf, resolvConfDefaults } from './resolv-conf.ts';

export interface SrvRecord {
  readonly target: string;
  readonly port: number;
}

export interface ResolverConfig {
  /** Asked instead of the servers of resolv.conf, without a search list: `127.0.0.1:5353`. */
  readonly servers?: readonly string[];
  /** Read anew for every look-up, so that a change there is seen. */
  readonly resolvConfPath: string;
  /** Longest wait for one server, when `servers` is given. */
  readonly timeoutMs: number;
}

export const resolverDefaults: ResolverConfig = { resolvConfPath: '/etc/resolv.conf', timeoutMs: 5_000 };

const MAX_CNAMES = 8;
/** What we tell servers we can take in one datagram; larger ones tend to be lost on the way. */
const UDP_PAYLOAD_BYTES = 1232;

type Question = 'A' | 'AAAA' | 'SRV';
type Answer = Packet & { readonly rcode?: string };

export class Resolver {
  readonly #config: ResolverConfig;

  constructor(config: ResolverConfig = resolverDefaults) {
    this.#config = config;
  }

  /** IPv4 addresses; empty when the name does not exist or has none. Throws `unavailable` when no server answers. */
  async lookupA(name: string, signal: AbortSignal): Promise<readonly string[]> {
    return addressesIn(await this.#lookup(name, 'A', signal), 'A');
  }

  /** IPv6 addresses, without brackets. */
  async lookupAaaa(name: string, signal: AbortSignal): Promise<readonly string[]> {
    return addressesIn(await this.#lookup(name, 'AAAA', signal), 'AAAA');
  }

  /** Targets without their final dot, in the server's order; priorities and weights are not looked at. */
  async lookupSrv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]> {
    const answers = await this.#lookup(name, 'SRV', signal);
    return answers.flatMap((answer) =>
      answer.type === 'SRV' ? [{ target: answer.data.target.replace(/\.$/, ''), port: answer.data.port ?? 0 }] : [],
    );
  }

  async #lookup(name: string, type: Question, signal: AbortSignal): Promise<NonNullable<Packet['answers']>> {
    const conf = await this.#conf();
    let failure: unknown;
    for (const candidate of candidateNames(name, conf)) {
      try {
        const answers = await this.#follow(candidate, type, conf, signal);
        if (answers.length > 0) return answers;
      } catch (thrown) {
        throwIfAborted(signal);
        failure ??= thrown;
      }
    }
    // Another name of the search list may not exist although this one would have: a failure is no "not found".
    if (failure !== undefined) throw during(`look up ${type} ${name}`, failure);
    return [];
  }

  /** Records of the asked type, behind aliases too. */
  async #follow(
    name: string,
    type: Question,
    conf: ResolvConf,
    signal: AbortSignal,
  ): Promise<NonNullable<Packet['answers']>> {
    let wanted = name;
    for (let hop = 0; hop <= MAX_CNAMES; ) {
      const answers = (await this.#ask(wanted, type, conf, signal)).answers ?? [];
      const found = answers.filter((answer) => answer.type === type);
      if (found.length > 0) return found;
      // Servers mostly answer with the whole chain; what is missing of it is asked for.
      let next = wanted;
      for (let alias = aliasOf(answers, next); alias !== undefined && hop <= MAX_CNAMES; hop++) {
        next = alias;
        alias = aliasOf(answers, next);
      }
      if (next === wanted) return [];
      wanted = next;
    }
    throw new Fault('unavailable', `more than ${MAX_CNAMES} aliases in a row`);
  }

  /** The first NOERROR or NXDOMAIN answer of the servers, in order. */
  async #ask(name: string, type: Question, conf: ResolvConf, signal: AbortSignal): Promise<Answer> {
    const failures: string[] = [];
    for (let attempt = 0; attempt < conf.attempts; attempt++) {
      for (const server of conf.servers) {
        try {
          const answer = await exchange(server, name, type, conf.timeoutMs, signal);
          if (answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN') return answer;
          failures.push(`${server}: ${answer.rcode}`);
        } catch (thrown) {
          throwIfAborted(signal);
          failures.push(`${server}: ${messageOf(thrown)}`);
        }
      }
    }
    throw new Fault('unavailable', `no server answered: ${[...new Set(failures)].join(', ')}`);
  }

  async #conf(): Promise<ResolvConf> {
    const { servers, timeoutMs, resolvConfPath } = this.#config;
    if (servers !== undefined) return { ...resolvConfDefaults, servers, timeoutMs };
    try {
      return parseResolvConf(await readFile(resolvConfPath, 'utf8'));
    } catch {
      // Systems without the file have a resolver on this machine.
      return resolvConfDefaults;
    }
  }
}

function addressesIn(answers: NonNullable<Packet['answers']>, type: 'A' | 'AAAA'): readonly string[] {
  return answers.flatMap((answer) => (answer.type === type ? [answer.data] : []));
}

function aliasOf(answers: NonNullable<Packet['answers']>, name: string): string | undefined {
  const key = name.toLowerCase();
  for (const answer of answers) {
    if (answer.type === 'CNAME' && answer.name.toLowerCase() === key) return answer.data.replace(/\.$/, '');
  }
  return undefined;
}

/** One question to one server. */
async function exchange(
  server: string,
  name: string,
  type: Question,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const { host, port } = splitServer(server);
  const question: Packet = {
    type: 'query',
    id: randomInt(0x10000),
    flags: RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_PAYLOAD_BYTES,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  };
  const limit = withTimeout(signal, timeoutMs, `no answer in ${timeoutMs} ms`);
  try {
    const answer = await overUdp(host, port, question, limit.signal);
    return isTruncated(answer) ? await overTcp(host, port, question, limit.signal) : answer;
  } finally {
    limit.release();
  }
}

const RECURSION_DESIRED = 1 << 8;

function isTruncated(answer: Answer): boolean {
  return (answer as { flag_tc?: boolean }).flag_tc === true;
}

function overUdp(host: string, port: number, question: Packet, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', stop);
      socket.close();
      settle();
    };
    const stop = (): void => end(() => reject(faultOf(signal)));
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (bytes) => {
      // Anyone can send to the port: what is not the answer to the question is not looked at further.
      const answer = readAnswer(() => decode(bytes), question);
      if (answer !== undefined) end(() => resolve(answer));
    });
    // Connected, so that a closed port is an error at once and strangers are not heard.
    socket.connect(port, host, () => socket.send(encode(question)));
  });
}

function overTcp(host: string, port: number, question: Packet, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    let bytes = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(signal.aborted ? faultOf(signal) : error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Fault('unavailable', 'connection closed before the answer was whole')));
    socket.on('connect', () => socket.write(streamEncode(question)));
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
      const answer = readAnswer(() => streamDecode(bytes), question);
      if (answer === undefined) fail(new Fault('corrupt', 'answer does not belong to the question'));
      else resolve(answer);
      socket.destroy();
    });
  });
}

function readAnswer(read: () => Packet | null, question: Packet): Answer | undefined {
  try {
    const answer = read();
    const isOurs = answer !== null && answer.type === 'response' && answer.id === question.id;
    return isOurs ? answer : undefined;
  } catch {
    return undefined;
  }
}

function splitServer(server: string): { readonly host: string; readonly port: number } {
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(server.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port)) throw new Fault('invalid', `DNS server ${server} is not host:port`);
  return { host, port };
}
