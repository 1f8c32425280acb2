// Block identifiers: 26 characters of Crockford's base 32, the first ten a millisecond timestamp.

import { decodeTime, isValid, monotonicFactory } from 'ulid';

/** Random numbers are asked for many at once: a call for each of an identifier's characters takes far longer. */
const random = new Uint32Array(512);
let randomUsed = random.length;

const next = monotonicFactory(() => {
  if (randomUsed === random.length) {
    globalThis.crypto.getRandomValues(random);
    randomUsed = 0;
  }
  return random[randomUsed++] / 2 ** 32;
});

/** A new identifier; within one process later ones order after earlier ones, also in the same millisecond. */
export function newUlid(timeMs: number = Date.now()): string {
  return next(timeMs);
}

/** Whether a text, such as a directory name, is an identifier in the form blocks use: 26 upper-case characters. */
export function isUlid(text: string): boolean {
  return text.length === 26 && text === text.toUpperCase() && isValid(text) && text[0] <= '7';
}

/** The millisecond an identifier was made at. Only for texts that `isUlid` accepts. */
export function ulidTime(ulid: string): number {
  return decodeTime(ulid);
}
