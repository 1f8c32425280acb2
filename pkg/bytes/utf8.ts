// UTF-8 to strings and back. Label names and values are short and nearly always ASCII, where a plain loop beats the
// platform's codec by the cost of a call.

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** The text of bytes [from, to). Invalid sequences become U+FFFD, as everywhere in the field's readers. */
export function decodeUtf8(bytes: Uint8Array, from = 0, to = bytes.length): string {
  if (to - from <= 32) {
    let text = '';
    let i = from;
    for (; i < to; i++) {
      const byte = bytes[i];
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (i === to) return text;
  }
  return decoder.decode(bytes.subarray(from, to));
}

/** The bytes of a text; a new array. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes the text into `into` at `offset`, which must have room for 3 bytes a unit, and returns the offset after it. */
export function writeUtf8(into: Uint8Array, offset: number, text: string): number {
  let i = 0;
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) break;
    into[offset + i] = unit;
  }
  if (i === text.length) return offset + i;
  return offset + i + encoder.encodeInto(text.slice(i), into.subarray(offset + i)).written;
}
