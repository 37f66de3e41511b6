/** The log: JSON lines on standard error, secrets redacted by name before anything is written. */
import pino, { type DestinationStream, type Logger as PinoLogger } from 'pino'
import type { LogLevel } from './config.ts'

export type Logger = PinoLogger

/** Names under which a secret may travel, at any of the first three depths of a log line. */
const SECRET_NAMES = [
  'authorization',
  'cookie',
  '"set-cookie"',
  '"x-api-key"',
  'password',
  'client_secret',
  'client_assertion',
  'secret',
  'token',
  'access_token',
  'refresh_token',
  'subject_token',
  'actor_token',
  'id_token',
  'id_token_hint',
  'code',
  'code_verifier',
  'csrf',
  'location',
] as const

const at = (prefix: string, name: string) =>
  name.startsWith('"') ? `${prefix}[${name}]` : `${prefix}.${name}`

/** What an error may say in the log, by name. Everything else stays out: drivers hang whole connections on their errors. */
const ERROR_TEXTS = ['syscall', 'severity', 'routine', 'error_description', 'error_detail'] as const

/** An error as it is logged, with its causes. `error_code` is its `code`, such as ECONNREFUSED or an SQLSTATE. */
function describeError(error: unknown, depth = 0): unknown {
  if (typeof error !== 'object' || error === null) return error
  const { name, message, stack, code, cause, errors, ...rest } = error as Error & Record<string, unknown>
  const texts = ERROR_TEXTS.flatMap(key => (typeof rest[key] === 'string' ? [[key, rest[key]]] : []))
  return {
    type: name,
    message,
    stack,
    ...(typeof code === 'string' && { error_code: code }),
    ...Object.fromEntries(texts),
    ...(cause !== undefined && depth < 3 && { cause: describeError(cause, depth + 1) }),
    ...(Array.isArray(errors) && depth < 3 && { errors: errors.map(one => describeError(one, depth + 1)) }),
  }
}

/**
 * @param destination where lines go; standard error unless given.
 */
export function createLog(level: LogLevel, destination: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: SECRET_NAMES.flatMap(name => [
          name.startsWith('"') ? `[${name}]` : name,
          at('*', name),
          at('*.*', name),
        ]),
        censor: '[redacted]',
      },
      serializers: { err: describeError },
    },
    destination,
  )
}
