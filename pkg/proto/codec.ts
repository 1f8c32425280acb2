// Messages to bytes and back, through protobufjs and the schema generated from idl/.

import protobuf from 'protobufjs/light.js';
import { Fault, messageOf } from '../errors/fault.ts';
import { schema } from './generated/descriptor.ts';
import type { Int64 } from './int64.ts';

/** What may be given to encode a message: any of its fields; absent ones keep their default and stay off the wire. */
export type Init<T> = T extends Int64 | Uint8Array | string | number | boolean | null
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Init<Item>[]
    : { readonly [Field in keyof T]?: Init<T[Field]> | null | undefined };

/** `Out` is what decoding gives, `In` what encoding takes. */
export interface Codec<Out, In = Init<Out>> {
  /** The bytes are new and the caller's. */
  encode(message: In): Buffer;
  /** Byte fields are views into `bytes`. Throws `corrupt` for bytes that are no such message. */
  decode(bytes: Uint8Array): Out;
}

let root: protobuf.Root | undefined;

/**
 * The codec of a message by its full name. Nothing is looked up before the first use, so that a command that speaks no
 * protobuf pays for none.
 */
export function codecOf<T>(fullName: string): Codec<T> {
  let type: protobuf.Type | undefined;
  const resolve = (): protobuf.Type => {
    root ??= protobuf.Root.fromJSON(schema);
    type ??= root.lookupType(fullName);
    return type;
  };
  return {
    encode(message) {
      return resolve()
        .encode(message as object)
        .finish() as Buffer;
    },
    decode(bytes) {
      const reader = protobuf.Reader.create(bytes);
      reader.discardUnknown = true;
      try {
        return resolve().decode(reader) as T;
      } catch (thrown) {
        throw new Fault('corrupt', `${fullName}: ${messageOf(thrown)}`, { cause: thrown });
      }
    },
  };
}

/** For messages that are encoded and decoded elsewhere: the bytes as they are. */
export const rawCodec: Codec<Uint8Array, Uint8Array> = {
  encode(bytes) {
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  decode(bytes) {
    return bytes;
  },
};
