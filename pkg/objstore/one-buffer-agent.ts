// Connections that all read into one buffer. By default each read of a socket makes a new buffer of 64 KiB, from which
// the parser of HTTP then copies what it hands out: twice the garbage for what is used once.

import http from 'node:http';
import https from 'node:https';
import type { OnReadOpts, Socket } from 'node:net';

const READ_BYTES = 64 * 1024;

/** Connections of `http:`, or of `https:` where TLS is configured. */
export function oneBufferAgent(options: http.AgentOptions, tls: https.AgentOptions | undefined): http.Agent {
  const agent = tls === undefined ? new http.Agent(options) : new https.Agent({ ...options, ...tls });
  // A read is handed on before the next one begins, so one buffer does for all sockets.
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (connection, onConnected) => {
    const onread: OnReadOpts = {
      buffer,
      callback: (size) => {
        handOn(socket, buffer.subarray(0, size));
        return true;
      },
    };
    const socket = connect({ ...connection, onread } as typeof connection, onConnected) as Socket;
    return socket;
  };
  return agent;
}

/** What node:http listens to; its parser copies what it keeps before this returns. */
function handOn(socket: Socket, bytes: Buffer): void {
  if (socket.emit('data', bytes)) return;
  // Bytes that nobody asked for, on a connection that waits to be used again: what they would do to the next answer is not
  // to be found out.
  socket.destroy();
}
