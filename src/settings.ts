/**
 * Every setting, in one table: name, parser, default, meaning. `docs/settings.md` and `.env.example` are printed from it;
 * config.ts reads it.
 */
import { CERTIFICATE_HEADERS } from './http/certificate-header.ts'
import {
  addressRanges,
  boolean,
  cidrs,
  colour,
  documentHosts,
  durationOrNone,
  headerName,
  integer,
  issuer,
  logo,
  mailbox,
  names,
  oneOf,
  type Parser,
  parseDuration,
  policyByKind,
  policyOfAll,
  postgresUrl,
  secrets,
  smtpUrl,
  text,
} from './setting-parsers.ts'

export type Environment = Readonly<Record<string, string | undefined>>
export interface Setting<T> {
  readonly parse: Parser<T>
  readonly fallback: (environment: Environment) => T
  /** The default as the documentation shows it. */
  readonly shown: string
  readonly meaning: string
  /** For `.env.example`, where the default is not a value. */
  readonly example?: string
}

export const isProduction = (environment: Environment) => environment.NODE_ENV === 'production'
const always =
  <T>(value: T) =>
  () =>
    value

/** The table. The key is the environment variable's name. */
export const SETTINGS = {
  PORT: {
    parse: integer(1, 65_535),
    fallback: always(3000),
    shown: '3000',
    meaning: 'Port to listen on.',
  },
  HOST: { parse: text, fallback: always('127.0.0.1'), shown: '127.0.0.1', meaning: 'Address to listen on.' },
  ISSUER: {
    parse: issuer,
    fallback: always(''),
    shown: 'http://localhost:PORT',
    meaning: 'The issuer identifier: the origin that people and clients use. No path.',
    example: 'https://id.example.com',
  },
  DATABASE_URL: {
    parse: postgresUrl,
    fallback: always(undefined),
    shown: 'the embedded Postgres',
    meaning: 'The Postgres to use (15 or newer). Unset: a real Postgres that Latchkey starts under DATA_DIR.',
    example: 'postgres://latchkey:secret@db.internal:5432/latchkey',
  },
  DATABASE_POOL_SIZE: {
    parse: integer(1, 1000),
    fallback: always(10),
    shown: '10',
    meaning: 'The most connections a process opens to Postgres.',
  },
  DATABASE_WAIT: {
    parse: parseDuration,
    fallback: always(30),
    shown: '30s',
    meaning: 'How long the start waits for a database that cannot be reached yet.',
  },
  DATA_DIR: {
    parse: text,
    fallback: always('.latchkey'),
    shown: '.latchkey',
    meaning: 'Where the embedded Postgres and generated secrets live.',
  },
  LATCHKEY_SECRETS: {
    parse: secrets,
    fallback: always([]),
    shown: 'made in DATA_DIR outside production',
    meaning:
      'Master secrets, comma-separated base64url of 32 bytes each, newest first. Every use derives its own key. ' +
      `One comes from: node -p "crypto.randomBytes(32).toString('base64url')"`,
  },
  LATCHKEY_CONFIG: {
    parse: text,
    fallback: always(undefined),
    shown: 'none',
    meaning: 'Path of the declarative file (YAML or JSON), applied at every start in one transaction.',
    example: './latchkey.yaml',
  },
  TRUSTED_PROXIES: {
    parse: cidrs,
    fallback: always([]),
    shown: 'none',
    meaning:
      'Addresses or CIDR ranges of proxies whose forwarding headers are believed. From anyone else they are dropped. ' +
      'They alone may ask at /v1/forward-auth/.',
    example: '10.0.0.0/8',
  },
  TLS_PORT: {
    parse: integer(1, 65_535),
    fallback: always(undefined),
    shown: 'none',
    meaning:
      'A second port, for TLS, on which clients can show certificates. Needs TLS_CERT and TLS_KEY. All that is served on ' +
      'PORT is served here too.',
    example: '3443',
  },
  TLS_CERT: {
    parse: text,
    fallback: always(undefined),
    shown: 'none',
    meaning:
      'Path of the certificate for TLS_PORT, with those above it (PEM). Changed files are used without a restart.',
    example: '/etc/latchkey/tls/cert.pem',
  },
  TLS_KEY: {
    parse: text,
    fallback: always(undefined),
    shown: 'none',
    meaning: 'Path of the key of TLS_CERT (PEM, without a passphrase).',
    example: '/etc/latchkey/tls/key.pem',
  },
  TLS_CLIENT_CA: {
    parse: text,
    fallback: always(undefined),
    shown: 'none',
    meaning:
      'Path of the authorities (PEM) whose certificates clients with tls_client_auth may show, here or to a trusted proxy.',
    example: '/etc/latchkey/tls/client-authorities.pem',
  },
  MTLS_ORIGIN: {
    parse: issuer,
    fallback: always(undefined),
    shown: 'https://(host of ISSUER):TLS_PORT with TLS_PORT, else none',
    meaning:
      'The origin at which clients with certificates reach this server, when it is not ISSUER: TLS_PORT or a proxy. ' +
      'Requests for this host are taken too.',
    example: 'https://mtls.id.example.com',
  },
  CLIENT_CERTIFICATE_HEADER: {
    parse: oneOf(...CERTIFICATE_HEADERS),
    fallback: always(undefined),
    shown: 'none: proxies are not believed about certificates',
    meaning:
      'How trusted proxies tell of the certificate that a client showed them: rfc9440 (Client-Cert), nginx ' +
      '(X-SSL-Client-Cert), caddy (X-Client-Cert), traefik (X-Forwarded-Tls-Client-Cert) or envoy ' +
      '(X-Forwarded-Client-Cert). The proxy must overwrite that header on every request.',
    example: 'nginx',
  },
  OUTBOUND_ALLOW: {
    parse: addressRanges,
    fallback: always([]),
    shown: 'none',
    meaning:
      'Addresses or CIDR ranges that requests of this server to its clients (jwks_uri, logout) may reach beside public ' +
      'addresses, over http too. All addresses of a name must be allowed: localhost often is 127.0.0.1 and ::1.',
    example: '10.20.0.0/16',
  },
  TOKEN_PREFIX: {
    parse: names(
      /^[a-z][a-z0-9]{1,15}$/,
      'a token prefix (a letter, then 1 to 15 letters or digits, lower case)',
    ),
    fallback: always(['lk']),
    shown: 'lk',
    meaning: 'Prefix of the tokens Latchkey mints; a list, newest first: older prefixes still verify.',
  },
  ENVIRONMENTS: {
    parse: names(/^(live|test)$/, 'live or test'),
    fallback: always(['live', 'test']),
    shown: 'live,test',
    meaning: 'The environments that keys and other credentials can belong to.',
  },
  SIGN_UP: {
    parse: oneOf('open', 'invite', 'closed'),
    fallback: environment => (isProduction(environment) ? 'closed' : 'open'),
    shown: 'open (production: closed)',
    meaning:
      'Who may create an account: anyone (open), people with an invitation (invite), or nobody (closed).',
    example: 'invite',
  },
  CLIENT_ID_METADATA_DOCUMENTS: {
    parse: documentHosts,
    fallback: always([]),
    shown: 'none',
    meaning:
      'Hosts whose applications need no registration: their client_id is the https address of a document about them. ' +
      '*.example.com is every name below example.com.',
    example: 'app.example.com,vscode.dev',
  },
  CLIENT_REGISTRATION: {
    parse: oneOf('closed', 'token', 'open'),
    fallback: always('token'),
    shown: 'token',
    meaning:
      'Which applications may register themselves: none (closed), those with an initial access token of the ' +
      'declarative file (token), or any, for OpenID Connect scopes only (open).',
    example: 'open',
  },
  NEVER_USED_CLIENT_LIFETIME: {
    parse: durationOrNone,
    fallback: always(86_400),
    shown: '24h',
    meaning:
      'How long an application that registered itself without a token stays when nobody has ever signed in to it; ' +
      'none: for ever.',
    example: '7d',
  },
  UNUSED_CLIENT_LIFETIME: {
    parse: durationOrNone,
    fallback: always(180 * 86_400),
    shown: '180d',
    meaning:
      'How long an application that registered itself stays after its last use, or its registration; what it may ' +
      'still do for people keeps it. none: for ever.',
    example: '365d',
  },
  REFRESH_GRACE: {
    parse: parseDuration,
    fallback: always(10),
    shown: '10s',
    meaning: 'For how long after its first use a refresh token still answers with the same successor.',
  },
  PERSONAL_ACCESS_TOKEN_LIFETIME: {
    parse: durationOrNone,
    fallback: always(90 * 86_400),
    shown: '90d',
    meaning: 'How long a personal access token lives when its maker does not say; none: for ever.',
  },
  PERSONAL_ACCESS_TOKEN_MAX_LIFETIME: {
    parse: durationOrNone,
    fallback: always(366 * 86_400),
    shown: '366d',
    meaning: 'The longest life a personal access token can be given; none: any.',
  },
  API_KEY_LIFETIME: {
    parse: durationOrNone,
    fallback: always(undefined),
    shown: 'none',
    meaning:
      'How long an API key, a signing secret or a registered certificate lives when its maker does not say; none: for ever.',
    example: '365d',
  },
  API_KEY_MAX_LIFETIME: {
    parse: durationOrNone,
    fallback: always(undefined),
    shown: 'none',
    meaning:
      'The longest life an API key, a signing secret or a registered certificate can be given; none: any.',
    example: '730d',
  },
  API_KEY_HEADER: {
    parse: headerName,
    fallback: always(undefined),
    shown: 'none',
    meaning: 'One more header that API keys and personal access tokens may be sent in, beside X-API-Key.',
    example: 'X-Service-Key',
  },
  RETIRED_SECRET_POLICY: {
    parse: oneOf('report', 'quarantine', 'revoke'),
    fallback: always('report'),
    shown: 'report',
    meaning:
      'What happens when somebody uses a secret that a rotation replaced and whose grace is over: it is refused and ' +
      'reported; quarantine and revoke stop the key, token or signing secret itself too.',
  },
  REPLAY_CAPACITY: {
    parse: integer(1, 1_000_000_000),
    fallback: always(2_000_000),
    shown: '2000000',
    meaning:
      'How many signed requests and DPoP proofs at /v1 are remembered at a time, each until it would be too old: ten ' +
      'minutes at most, some 200 bytes in the database. When it is full, the next ones are answered with 503.',
  },
  LEAKED_CREDENTIAL_POLICY: {
    parse: policyByKind,
    fallback: always(policyOfAll('revoke')),
    shown: 'revoke',
    meaning:
      'What happens to a credential that somebody has found where it does not belong (POST /v1/leaks), beside telling ' +
      'its owner: report (nothing), quarantine or revoke, for all kinds or by kind. Kinds: api-key, ' +
      'personal-access-token, access-token, refresh-token (with its grant), client-secret; the last three know no ' +
      'quarantine and are revoked.',
    example: 'revoke,api-key=quarantine,client-secret=report',
  },
  PLAIN_HTTP_POLICY: {
    parse: oneOf('report', 'quarantine', 'revoke'),
    fallback: always('report'),
    shown: 'report',
    meaning:
      'What happens to a credential that came over http, as a trusted proxy says (X-Forwarded-Proto: http): the request ' +
      'is refused and reported; quarantine and revoke stop the credential too.',
  },
  SMTP_URL: {
    parse: smtpUrl,
    fallback: always(undefined),
    shown: 'none: mail is written to DATA_DIR/outbox (production: no mail)',
    meaning:
      'The server that takes our mail: smtps://user:password@host:465, or smtp:// with STARTTLS (required when the URL ' +
      'has a password and the host is another machine).',
    example: 'smtps://latchkey:secret@smtp.example.com:465',
  },
  MAIL_FROM: {
    parse: mailbox,
    fallback: always(''),
    shown: 'Latchkey <no-reply@(host of ISSUER)>',
    meaning: 'The sender of our mail.',
    example: 'Example accounts <accounts@example.com>',
  },
  SIGNING_KEY_LIFETIME: {
    parse: durationOrNone,
    fallback: always(90 * 86_400),
    shown: '90d',
    meaning:
      'For how long a key signs before the next one takes over; none: until somebody rotates it ' +
      '(latchkey signing-key rotate).',
    example: '30d',
  },
  LOG_LEVEL: {
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    fallback: always('info'),
    shown: 'info',
    meaning:
      'How much is logged, as JSON lines on standard error: trace, debug, info, warn, error, fatal or silent.',
  },
  ACCENT_COLOR: {
    parse: colour,
    fallback: always('#3b5bdb'),
    shown: '#3b5bdb',
    meaning: 'The accent colour of the pages.',
  },
  LOGO_URL: {
    parse: logo,
    fallback: always(undefined),
    shown: "Latchkey's own",
    meaning: 'Logo on the pages: a path on this server or a data:image URL.',
  },
  ALLOW_EMBEDDED_POSTGRES: {
    parse: boolean,
    fallback: always(false),
    shown: 'false',
    meaning: 'Allow the embedded Postgres in production.',
  },
  SHUTDOWN_TIMEOUT: {
    parse: parseDuration,
    fallback: always(20),
    shown: '20s',
    meaning: 'How long SIGTERM waits for requests in flight before it ends them.',
  },
  SHUTDOWN_DELAY: {
    parse: parseDuration,
    fallback: environment => (isProduction(environment) ? 3 : 0),
    shown: '0s (production: 3s)',
    meaning: 'How long after SIGTERM the server still accepts requests while /health/ready already says no.',
    example: '3s',
  },
} satisfies Record<string, Setting<unknown>>
