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
  'id_token',
  'id_token_hint',
  'code',
  'code_verifier',
  'csrf',
  'location',
] as const

const at = (prefix: string, name: string) =>
  name.startsWith('"') ? `${prefix}[${name}]` : `${prefix}.${name}`

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
      serializers: { err: pino.stdSerializers.err },
    },
    destination,
  )
}
