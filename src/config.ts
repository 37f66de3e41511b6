/**
 * The settings, read: `loadConfig` makes one frozen object of the environment and reports everything wrong at once. The
 * table itself is settings.ts. Only this file and main.ts read the environment.
 */

import type { CertificateHeader } from './http/certificate-header.ts'
import { readTlsFiles } from './http/tls-files.ts'
import type { LeakPolicy, PolicyByKind } from './setting-parsers.ts'
import { type Environment, isProduction, SETTINGS, type Setting } from './settings.ts'

/** What the use of a secret does that a rotation has replaced, after its grace. */
export type RetiredSecretPolicy = 'report' | 'quarantine' | 'revoke'
export type SignUpPolicy = 'open' | 'invite' | 'closed'
export type ClientRegistrationPolicy = 'closed' | 'token' | 'open'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** Durations are seconds. */
export interface Config {
  readonly production: boolean
  readonly port: number
  readonly host: string
  /** Scheme, host and port; never a path or a trailing slash. */
  readonly issuer: string
  /** undefined: the embedded Postgres under `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly databasePoolSize: number
  readonly databaseWait: number
  readonly dataDir: string
  /** 32 bytes each, newest first. Empty: made in `dataDir` at the first start. */
  readonly secrets: readonly Buffer[]
  readonly configFile: string | undefined
  readonly trustedProxies: readonly string[]
  /** undefined: no TLS of our own. */
  readonly tlsPort: number | undefined
  /** Paths of PEM files that were good when the settings were read. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsClientCa: string | undefined
  /** Where clients with certificates reach us, when not at the issuer. */
  readonly mtlsOrigin: string | undefined
  /** How they tell of a client's certificate; undefined: not at all. */
  readonly clientCertificateHeader: CertificateHeader | undefined
  readonly outboundAllow: readonly string[]
  readonly tokenPrefixes: readonly string[]
  readonly environments: readonly string[]
  readonly signUp: SignUpPolicy
  /** Hosts, with a port unless it is 443; `*.` in front for all names below. */
  readonly clientIdMetadataDocuments: readonly string[]
  readonly clientRegistration: ClientRegistrationPolicy
  /** Of clients that registered without a token; undefined: for ever. */
  readonly neverUsedClientLifetime: number | undefined
  /** Of all clients that registered themselves; undefined: for ever. */
  readonly unusedClientLifetime: number | undefined
  readonly refreshGrace: number
  /** When nobody says how long; undefined: for ever. */
  readonly personalAccessTokenLifetime: number | undefined
  readonly personalAccessTokenMaxLifetime: number | undefined
  readonly apiKeyLifetime: number | undefined
  readonly apiKeyMaxLifetime: number | undefined
  /** One more header that keys and tokens may come in, in lower case. */
  readonly apiKeyHeader: string | undefined
  readonly retiredSecretPolicy: RetiredSecretPolicy
  /** Signed requests and proofs that are remembered at a time. */
  readonly replayCapacity: number
  /** undefined: only when somebody rotates it. */
  readonly signingKeyLifetime: number | undefined
  readonly leakedCredentialPolicy: PolicyByKind
  readonly plainHttpPolicy: LeakPolicy
  /** undefined: mail goes into files under `dataDir`; in production there is none. */
  readonly smtpUrl: string | undefined
  /** `Name <address>`, or an address. */
  readonly mailFrom: string
  readonly logLevel: LogLevel
  readonly accentColor: string
  readonly logoUrl: string | undefined
  readonly allowEmbeddedPostgres: boolean
  readonly shutdownTimeout: number
  readonly shutdownDelay: number
}

type SettingName = keyof typeof SETTINGS
type SettingValue<N extends SettingName> =
  | ReturnType<(typeof SETTINGS)[N]['parse']>
  | ReturnType<(typeof SETTINGS)[N]['fallback']>

/** Everything that is wrong with the settings, one sentence each. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map(problem => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const isLoopback = (hostname: string) =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname)

function productionProblems(config: Config): string[] {
  const url = new URL(config.issuer)
  return [
    config.secrets.length === 0 &&
      'LATCHKEY_SECRETS is not set: production does not make its own secrets. Set 32 random bytes in base64url.',
    url.protocol === 'http:' &&
      !isLoopback(url.hostname) &&
      `ISSUER is ${config.issuer}: production needs https (http is for loopback only).`,
    config.databaseUrl === undefined &&
      !config.allowEmbeddedPostgres &&
      'DATABASE_URL is not set: production does not start the embedded Postgres unless ALLOW_EMBEDDED_POSTGRES=true.',
  ].filter(problem => problem !== false)
}

function certificateProblems(config: Config, environment: Environment): string[] {
  const { tlsPort, port, mtlsOrigin, clientCertificateHeader: header, trustedProxies } = config
  const together = ['TLS_PORT', 'TLS_CERT', 'TLS_KEY']
  const missing = together.filter(name => (environment[name] ?? '') === '')
  const isAsked = missing.length < together.length
  return [
    isAsked &&
      missing.length > 0 &&
      `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not set: ${together.join(', ')} belong together.`,
    tlsPort === port && `TLS_PORT is ${tlsPort}, which is PORT: TLS needs a port of its own.`,
    mtlsOrigin?.startsWith('http:') && `MTLS_ORIGIN is ${mtlsOrigin}: certificates need https.`,
    mtlsOrigin !== undefined &&
      !isAsked &&
      header === undefined &&
      'MTLS_ORIGIN is set, but nobody can show a certificate: set TLS_PORT or CLIENT_CERTIFICATE_HEADER.',
    header !== undefined &&
      trustedProxies.length === 0 &&
      'CLIENT_CERTIFICATE_HEADER is set, but TRUSTED_PROXIES is not: nobody would be believed.',
    ...readTlsFiles(config).problems,
  ].filter(problem => typeof problem === 'string')
}

/**
 * Reads the settings. An empty variable counts as unset.
 * @throws ConfigError with every problem, the refused development defaults of production included.
 */
export function loadConfig(environment: Environment): Config {
  const problems: string[] = []
  const read = <N extends SettingName>(name: N): SettingValue<N> => {
    const value = environment[name]
    const setting = SETTINGS[name] as Setting<SettingValue<N>>
    if (value === undefined || value === '') return setting.fallback(environment)
    try {
      return setting.parse(value)
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}.`)
      return setting.fallback(environment)
    }
  }

  const port = read('PORT')
  const issuer = read('ISSUER') || `http://localhost:${port}`
  const { hostname } = new URL(issuer)
  const tlsPort = read('TLS_PORT')
  const besideIssuer = tlsPort === undefined ? undefined : new URL(`https://${hostname}:${tlsPort}`).origin
  const mtlsOrigin = read('MTLS_ORIGIN') ?? besideIssuer
  const config: Config = {
    production: isProduction(environment),
    port,
    host: read('HOST'),
    issuer,
    databaseUrl: read('DATABASE_URL'),
    databasePoolSize: read('DATABASE_POOL_SIZE'),
    databaseWait: read('DATABASE_WAIT'),
    dataDir: read('DATA_DIR'),
    secrets: read('LATCHKEY_SECRETS'),
    configFile: read('LATCHKEY_CONFIG'),
    trustedProxies: read('TRUSTED_PROXIES'),
    tlsPort,
    tlsCert: read('TLS_CERT'),
    tlsKey: read('TLS_KEY'),
    tlsClientCa: read('TLS_CLIENT_CA'),
    mtlsOrigin: mtlsOrigin === issuer ? undefined : mtlsOrigin,
    clientCertificateHeader: read('CLIENT_CERTIFICATE_HEADER'),
    outboundAllow: read('OUTBOUND_ALLOW'),
    tokenPrefixes: read('TOKEN_PREFIX'),
    environments: read('ENVIRONMENTS'),
    signUp: read('SIGN_UP') as SignUpPolicy,
    clientIdMetadataDocuments: read('CLIENT_ID_METADATA_DOCUMENTS'),
    clientRegistration: read('CLIENT_REGISTRATION') as ClientRegistrationPolicy,
    neverUsedClientLifetime: read('NEVER_USED_CLIENT_LIFETIME'),
    unusedClientLifetime: read('UNUSED_CLIENT_LIFETIME'),
    refreshGrace: read('REFRESH_GRACE'),
    personalAccessTokenLifetime: read('PERSONAL_ACCESS_TOKEN_LIFETIME'),
    personalAccessTokenMaxLifetime: read('PERSONAL_ACCESS_TOKEN_MAX_LIFETIME'),
    apiKeyLifetime: read('API_KEY_LIFETIME'),
    apiKeyMaxLifetime: read('API_KEY_MAX_LIFETIME'),
    apiKeyHeader: read('API_KEY_HEADER'),
    retiredSecretPolicy: read('RETIRED_SECRET_POLICY') as RetiredSecretPolicy,
    replayCapacity: read('REPLAY_CAPACITY'),
    signingKeyLifetime: read('SIGNING_KEY_LIFETIME'),
    leakedCredentialPolicy: read('LEAKED_CREDENTIAL_POLICY'),
    plainHttpPolicy: read('PLAIN_HTTP_POLICY') as LeakPolicy,
    smtpUrl: read('SMTP_URL'),
    mailFrom: read('MAIL_FROM') || `Latchkey <no-reply@${hostname}>`,
    logLevel: read('LOG_LEVEL') as LogLevel,
    accentColor: read('ACCENT_COLOR'),
    logoUrl: read('LOGO_URL'),
    allowEmbeddedPostgres: read('ALLOW_EMBEDDED_POSTGRES'),
    shutdownTimeout: read('SHUTDOWN_TIMEOUT'),
    shutdownDelay: read('SHUTDOWN_DELAY'),
  }
  problems.push(...certificateProblems(config, environment))
  if (config.production) problems.push(...productionProblems(config))
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}

/** For commands that ask a running server. */
export interface ApiAccess {
  /** Its origin. */
  readonly url: string
  /** An API key, a personal token or an access token. */
  readonly token: string
}

/** LATCHKEY_URL and LATCHKEY_TOKEN. @throws Error that says which is missing or wrong, and never repeats the token */
export function readApiAccess(environment: Environment = process.env): ApiAccess {
  const { LATCHKEY_URL: text = '', LATCHKEY_TOKEN: token = '' } = environment
  if (text === '' || token === '')
    throw new Error(
      'Set LATCHKEY_URL to the address of the server, and LATCHKEY_TOKEN to a token for its API.',
    )
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error('LATCHKEY_URL must be an http or https URL.')
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new Error(
      'LATCHKEY_URL must be https: the token would be readable on the way (http is for loopback only).',
    )
  if (!/^[!-~]+$/.test(token)) throw new Error('LATCHKEY_TOKEN has characters that no token has.')
  return { url: url.origin, token }
}
