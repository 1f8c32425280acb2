// MD5 (RFC 1321), for numbers that others compute the same way and never for trust: which shard a label set falls into
// is fixed by it. Written here because the platform's own is absent in a browser and refused where FIPS rules.
//
//   ┌─────────┬──────┬───────────────────────┬──────────────────────────┐
//   │ message │ 0x80 │ zeros to 56 of 64     │ length in bits u64 (LE)  │
//   └─────────┴──────┴───────────────────────┴──────────────────────────┘

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;
/** The four rotations of each round. */
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;
const SINES = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/** The 16 bytes of the digest. */
export function md5(message: Uint8Array): Uint8Array {
  const blocks = Math.ceil((message.length + 1 + LENGTH_BYTES) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - LENGTH_BYTES, BigInt(message.length) * 8n, true);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) addBlock(state, view, at);
  const digest = new Uint8Array(16);
  state.forEach((word, i) => {
    new DataView(digest.buffer).setUint32(i * 4, word, true);
  });
  return digest;
}

function addBlock(state: Uint32Array, view: DataView, at: number): void {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const [mixed, word] = mix(round, i, b, c, d);
    const sum = (a + mixed + SINES[i] + view.getUint32(at + word * 4, true)) >>> 0;
    const turn = ROTATIONS[round][i & 3];
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << turn) | (sum >>> (32 - turn)))) >>> 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

/** What step `i` mixes of the state, and which word of the block it takes. */
function mix(round: number, i: number, b: number, c: number, d: number): readonly [mixed: number, word: number] {
  switch (round) {
    case 0:
      return [(b & c) | (~b & d), i];
    case 1:
      return [(d & b) | (~d & c), (5 * i + 1) & 15];
    case 2:
      return [b ^ c ^ d, (3 * i + 5) & 15];
    default:
      return [c ^ (b | ~d), (7 * i) & 15];
  }
}
