/** The same bytes in a view of the platform's own kind: what a Buffer does for each piece cut from it is dearer. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
