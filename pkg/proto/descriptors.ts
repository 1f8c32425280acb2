// The file descriptors of the schema, for gRPC reflection.

import { fileDescriptors } from './generated/descriptor.ts';

/** Encoded FileDescriptorProtos of every package. */
export function allFileDescriptors(): Buffer[] {
  return Object.values(fileDescriptors).map((text) => Buffer.from(text, 'base64'));
}
