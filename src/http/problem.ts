/**
 * The one error of the house. `message` may be shown to anyone; `detail` goes to the log only. Rooms export small
 * constructors next to their rules; what belongs to no room is here. respond.ts turns a Problem into an answer.
 */
import { STATUS_CODES } from 'node:http'

export interface FieldError {
  /** Where in the input, e.g. `scopes[0]`. */
  readonly path: string
  readonly message: string
}

export interface ProblemOptions {
  /** Sent with the answer, e.g. `Retry-After` or `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly errors?: readonly FieldError[]
  /** More members of the answer's body (RFC 9457, section 3.2). */
  readonly members?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** RFC 9457, with `code` and `request_id`. */
export interface ProblemJson {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly request_id?: string
  readonly errors?: readonly FieldError[]
  readonly [member: string]: unknown
}

export class Problem extends Error {
  readonly status: number
  /** The machine's word: the OAuth code where one exists. */
  readonly code: string
  /** For the log only. */
  readonly detail: string | undefined
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly errors: readonly FieldError[] | undefined
  readonly members: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, detail?: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.detail = detail
    this.headers = options.headers ?? {}
    this.errors = options.errors
    this.members = options.members ?? {}
  }

  /** The status in words, as RFC 9457 asks of `about:blank`. */
  get title(): string {
    return STATUS_CODES[this.status] ?? 'Error'
  }

  /** What the caller may see. Without an argument (`JSON.stringify`) it has no request id. */
  toJSON(requestId?: string): ProblemJson {
    return {
      type: 'about:blank',
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
      ...this.members,
      ...(requestId && { request_id: requestId }),
      ...(this.errors && { errors: this.errors }),
    }
  }
}

const CODES: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'access_denied',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  409: 'conflict',
  413: 'content_too_large',
  415: 'unsupported_media_type',
  421: 'misdirected_request',
  429: 'rate_limited',
  503: 'temporarily_unavailable',
}

/** The code of a status that nobody gave a better one. */
export function codeOf(status: number): string {
  return CODES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request')
}

/** 400: the request is malformed. `message` says what to change. */
export function invalidRequest(message: string, detail?: string): Problem {
  return new Problem(400, 'invalid_request', message, detail)
}

/** 400: the request is well-formed, but these values are not acceptable. */
export function validationFailed(errors: readonly FieldError[]): Problem {
  return new Problem(400, 'validation_failed', 'Some values are not acceptable.', undefined, { errors })
}

/** 404: nothing here, or nothing the caller may know of. */
export function notFound(message = 'There is nothing at this address.'): Problem {
  return new Problem(404, 'not_found', message)
}

/** 503: something that is needed is down or too busy. `retryAfter` is in seconds. */
export function unavailable(detail?: string, retryAfter = 5, cause?: unknown): Problem {
  return new Problem(
    503,
    'temporarily_unavailable',
    'Not available right now. Try again in a moment.',
    detail,
    {
      headers: { 'Retry-After': String(retryAfter) },
      cause,
    },
  )
}
