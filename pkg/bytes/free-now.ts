// Memory of large buffers given back at once. A buffer outside of the heap lives until the collector has found that nobody
// refers to it; a process that receives fast holds many megabytes of such, and is made to collect by them.

/** Smaller ones mostly share their memory with others, and freeing them costs more than it gains. */
const LEAST_BYTES = 4096;
/** What a view may leave out at the ends of its buffer and still be all there is: the header of a message. */
const MOST_AROUND = 8;

interface Transferable {
  /** Not in Node 20. */
  transfer?(length: number): ArrayBuffer;
}

type Port = InstanceType<typeof MessageChannel>['port1'];

let closedPort: Port | undefined;

/**
 * Takes the memory of bytes that nobody reads any more, JavaScript or not: every view of them is empty from now on. Only
 * bytes that are a large buffer's whole content, which nothing else can be in; others are left to the collector.
 */
export function freeNow(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.length < LEAST_BYTES || buffer.byteLength - bytes.length > MOST_AROUND) return;
  if (!(buffer instanceof ArrayBuffer)) return;
  const { transfer } = buffer as Transferable;
  if (transfer !== undefined) {
    transfer.call(buffer, 0);
    return;
  }
  // What is sent away is ours no more, and what nobody can receive is freed.
  closedPort ??= newClosedPort();
  closedPort.postMessage(undefined, [buffer]);
}

function newClosedPort(): Port {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
