// google.protobuf.Any: a message of a type named beside it.

import { Fault } from '../errors/fault.ts';
import type { Codec } from './codec.ts';
import type { Any as AnyMessage } from './generated/google-protobuf.ts';

export type Any = AnyMessage;

/** Wraps a message; `fullName` is the message's, as in `hintspb.Block`. */
export function packAny<Out, In>(fullName: string, codec: Codec<Out, In>, message: In): Any {
  return { type_url: `type.googleapis.com/${fullName}`, value: codec.encode(message) };
}

/** The message inside. Throws `invalid` when it is of another type, `corrupt` when its bytes are wrong. */
export function unpackAny<Out, In>(fullName: string, codec: Codec<Out, In>, any: Any): Out {
  const actual = any.type_url.slice(any.type_url.lastIndexOf('/') + 1);
  if (actual !== fullName) {
    throw new Fault(
      'invalid',
      `mismatched message type: got ${JSON.stringify(actual)} want ${JSON.stringify(fullName)}`,
    );
  }
  return codec.decode(any.value);
}
