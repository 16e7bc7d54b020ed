import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody } from '../dialects/error-body.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Dialect } from '../domain/request.ts'
import { answerRaw } from './answer-raw.ts'
import { sendError } from './fail.ts'

/** The client's end of a request, for what the proxy itself has to say there. */
export type Client = {
  /** Answers with the proxy's own error; nothing happens where an answer has begun. `ownHeaders`: raw pairs. */
  readonly tell: (dialect: Dialect, error: ErrorCode, id: string, ownHeaders: readonly string[], hint?: string) => void
  /** Closes the connection in the middle of whatever it is in. */
  readonly cut: () => void
}

export function webClient(response: ServerResponse): Client {
  return {
    tell: (dialect, error, id, ownHeaders, hint) => sendError(response, dialect, error, id, ownHeaders, hint),
    cut: () => void response.destroy(),
  }
}

/** A client whose request came without a response object: an upgrade, CONNECT. */
export function rawClient(socket: Duplex): Client {
  return {
    tell: (dialect, error, id, ownHeaders, hint) =>
      answerRaw(socket, error, errorBody(dialect, error, id, hint), ownHeaders),
    cut: () => void socket.destroy(),
  }
}
