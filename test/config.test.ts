import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { type Config, ConfigError, loadConfig } from '../src/config.ts'
import { SETTINGS } from '../src/settings.ts'
import { runNode } from './support/process.ts'

const SECRET = Buffer.alloc(32, 1).toString('base64url')
const OLDER = Buffer.alloc(32, 2).toString('base64url')

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('settings', () => {
  it('are a first try on this machine when nothing is set', () => {
    expect(loadConfig({})).toEqual({
      production: false,
      port: 3000,
      host: '127.0.0.1',
      issuer: 'http://localhost:3000',
      databaseUrl: undefined,
      databasePoolSize: 10,
      databaseWait: 30,
      dataDir: '.latchkey',
      secrets: [],
      configFile: undefined,
      trustedProxies: [],
      tlsPort: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      tlsClientCa: undefined,
      mtlsOrigin: undefined,
      clientCertificateHeader: undefined,
      outboundAllow: [],
      tokenPrefixes: ['lk'],
      environments: ['live', 'test'],
      signUp: 'open',
      clientIdMetadataDocuments: [],
      clientRegistration: 'token',
      neverUsedClientLifetime: 86_400,
      unusedClientLifetime: 15_552_000,
      refreshGrace: 10,
      personalAccessTokenLifetime: 7_776_000,
      personalAccessTokenMaxLifetime: 31_622_400,
      apiKeyLifetime: undefined,
      apiKeyMaxLifetime: undefined,
      apiKeyHeader: undefined,
      retiredSecretPolicy: 'report',
      leakedCredentialPolicy: {
        'api-key': 'revoke',
        'personal-access-token': 'revoke',
        'access-token': 'revoke',
        'refresh-token': 'revoke',
        'client-secret': 'revoke',
      },
      plainHttpPolicy: 'report',
      smtpUrl: undefined,
      mailFrom: 'Latchkey <no-reply@localhost>',
      replayCapacity: 2_000_000,
      signingKeyLifetime: 7_776_000,
      logLevel: 'info',
      accentColor: '#3b5bdb',
      logoUrl: undefined,
      allowEmbeddedPostgres: false,
      shutdownTimeout: 20,
      shutdownDelay: 0,
    } satisfies Config)
  })

  it('count as unset when they are empty', () => {
    const empty = Object.fromEntries(Object.keys(SETTINGS).map(name => [name, '']))
    expect(loadConfig(empty)).toEqual(loadConfig({}))
  })

  it('cannot be changed once read', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true)
  })

  it('let the issuer follow the port', () => {
    expect(loadConfig({ PORT: '8443' }).issuer).toBe('http://localhost:8443')
  })

  it.each<[string, string, keyof Config, unknown]>([
    ['PORT', '1', 'port', 1],
    ['PORT', '65535', 'port', 65_535],
    ['HOST', '0.0.0.0', 'host', '0.0.0.0'],
    ['ISSUER', 'https://id.example.com', 'issuer', 'https://id.example.com'],
    ['ISSUER', 'https://id.example.com/', 'issuer', 'https://id.example.com'],
    ['ISSUER', 'https://ID.example.com:443', 'issuer', 'https://id.example.com'],
    ['ISSUER', 'http://[::1]:8080', 'issuer', 'http://[::1]:8080'],
    ['DATABASE_URL', 'postgres://u:p@db/latchkey', 'databaseUrl', 'postgres://u:p@db/latchkey'],
    ['DATABASE_URL', 'postgresql:///latchkey', 'databaseUrl', 'postgresql:///latchkey'],
    ['DATABASE_POOL_SIZE', '1', 'databasePoolSize', 1],
    ['DATABASE_WAIT', '2m', 'databaseWait', 120],
    ['DATA_DIR', '/var/lib/latchkey', 'dataDir', '/var/lib/latchkey'],
    ['LATCHKEY_CONFIG', './latchkey.yaml', 'configFile', './latchkey.yaml'],
    ['SIGNING_KEY_LIFETIME', '30d', 'signingKeyLifetime', 2_592_000],
    ['SIGNING_KEY_LIFETIME', 'none', 'signingKeyLifetime', undefined],
    ['TRUSTED_PROXIES', '10.0.0.0/8, 192.0.2.7', 'trustedProxies', ['10.0.0.0/8', '192.0.2.7']],
    ['TRUSTED_PROXIES', '2001:db8::/32', 'trustedProxies', ['2001:db8::/32']],
    ['OUTBOUND_ALLOW', '127.0.0.0/8, ::1,FD00::/8', 'outboundAllow', ['127.0.0.0/8', '::1/128', 'fd00::/8']],
    ['TOKEN_PREFIX', 'acme,lk', 'tokenPrefixes', ['acme', 'lk']],
    ['ENVIRONMENTS', 'live', 'environments', ['live']],
    ['SIGN_UP', 'invite', 'signUp', 'invite'],
    ['REFRESH_GRACE', '0s', 'refreshGrace', 0],
    ['REFRESH_GRACE', '2m', 'refreshGrace', 120],
    ['PERSONAL_ACCESS_TOKEN_LIFETIME', '30d', 'personalAccessTokenLifetime', 2_592_000],
    ['PERSONAL_ACCESS_TOKEN_MAX_LIFETIME', 'none', 'personalAccessTokenMaxLifetime', undefined],
    ['API_KEY_LIFETIME', '365d', 'apiKeyLifetime', 31_536_000],
    ['API_KEY_MAX_LIFETIME', '12h', 'apiKeyMaxLifetime', 43_200],
    ['API_KEY_HEADER', 'X-Service-Key', 'apiKeyHeader', 'x-service-key'],
    ['RETIRED_SECRET_POLICY', 'revoke', 'retiredSecretPolicy', 'revoke'],
    ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
    ['ACCENT_COLOR', '#A1b2C3', 'accentColor', '#A1b2C3'],
    ['LOGO_URL', 'data:image/png;base64,AAAA', 'logoUrl', 'data:image/png;base64,AAAA'],
    ['LOGO_URL', '/logo.svg', 'logoUrl', '/logo.svg'],
    ['ALLOW_EMBEDDED_POSTGRES', 'true', 'allowEmbeddedPostgres', true],
    ['SHUTDOWN_TIMEOUT', '1h', 'shutdownTimeout', 3600],
    ['SHUTDOWN_DELAY', '1d', 'shutdownDelay', 86_400],
  ])('take %s=%s', (name, value, key, expected) => {
    expect(loadConfig({ [name]: value })[key]).toEqual(expected)
  })

  it('take secrets newest first, padded or not', () => {
    const { secrets } = loadConfig({ LATCHKEY_SECRETS: `${SECRET},${OLDER}=` })
    expect(secrets).toEqual([Buffer.alloc(32, 1), Buffer.alloc(32, 2)])
  })

  it.each([
    ['PORT', '0'],
    ['PORT', '65536'],
    ['PORT', '80a'],
    ['PORT', '-1'],
    ['ISSUER', 'id.example.com'],
    ['ISSUER', 'ftp://id.example.com'],
    ['ISSUER', 'https://id.example.com/tenant'],
    ['ISSUER', 'https://id.example.com?x'],
    ['ISSUER', 'https://id.example.com#x'],
    ['ISSUER', 'https://me@id.example.com'],
    ['DATABASE_URL', 'mysql://db/latchkey'],
    ['DATABASE_POOL_SIZE', '0'],
    ['DATABASE_WAIT', 'for ever'],
    ['LATCHKEY_SECRETS', 'short'],
    ['LATCHKEY_SECRETS', `${SECRET},${OLDER.slice(1)}`],
    ['LATCHKEY_SECRETS', `${SECRET.slice(1)}+`],
    ['TRUSTED_PROXIES', 'proxy.internal'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '2001:db8::/129'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TRUSTED_PROXIES', '10.0.0.0/'],
    ['CLIENT_CERTIFICATE_HEADER', 'Client-Cert'],
    ['TOKEN_PREFIX', 'L'],
    ['TOKEN_PREFIX', 'a_b'],
    ['TOKEN_PREFIX', ','],
    ['ENVIRONMENTS', 'staging'],
    ['SIGN_UP', 'yes'],
    ['REFRESH_GRACE', '10'],
    ['REFRESH_GRACE', '1.5s'],
    ['API_KEY_LIFETIME', '0d'],
    ['API_KEY_MAX_LIFETIME', 'never'],
    ['API_KEY_HEADER', 'Authorization'],
    ['API_KEY_HEADER', 'X Key'],
    ['RETIRED_SECRET_POLICY', 'ignore'],
    ['LOG_LEVEL', 'loud'],
    ['ACCENT_COLOR', 'blue'],
    ['ACCENT_COLOR', '#fff'],
    ['LOGO_URL', 'https://cdn.example.com/logo.png'],
    ['LOGO_URL', '//cdn.example.com/logo.png'],
    ['LOGO_URL', '/\\cdn.example.com/logo.png'],
    ['LOGO_URL', '/\t/cdn.example.com/logo.png'],
    ['ALLOW_EMBEDDED_POSTGRES', '1'],
    ['SHUTDOWN_TIMEOUT', 'soon'],
    ['SHUTDOWN_DELAY', '-1s'],
  ])('refuse %s=%s, by name', (name, value) => {
    const problems = problemsOf({ [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} (must|has) `))
  })

  it('never repeat a secret in what they say', () => {
    expect(problemsOf({ LATCHKEY_SECRETS: 'my-secret-typed-badly' }).join()).not.toContain('my-secret')
    expect(problemsOf({ DATABASE_URL: 'mysql://root:my-secret@db' }).join()).not.toContain('my-secret')
  })

  it('report everything that is wrong at once, what production refuses included', () => {
    const environment = {
      NODE_ENV: 'production',
      PORT: 'x',
      SIGN_UP: 'x',
      LOG_LEVEL: 'x',
      ISSUER: 'http://id.example.com',
    }
    expect(problemsOf(environment).map(problem => problem.split(' ')[0])).toEqual([
      'PORT',
      'SIGN_UP',
      'LOG_LEVEL',
      'LATCHKEY_SECRETS',
      'ISSUER',
      'DATABASE_URL',
    ])
  })
})

describe('production', () => {
  const good = {
    NODE_ENV: 'production',
    ISSUER: 'https://id.example.com',
    DATABASE_URL: 'postgres://db/latchkey',
    LATCHKEY_SECRETS: SECRET,
  }

  it('starts when nothing is left to a development default', () => {
    expect(loadConfig(good)).toMatchObject({ production: true, signUp: 'closed', shutdownDelay: 3 })
  })

  it.each([
    ['LATCHKEY_SECRETS', ''],
    ['DATABASE_URL', ''],
    ['ISSUER', 'http://id.example.com'],
    ['ISSUER', 'http://localhost.example.com'],
    ['ISSUER', 'http://127.0.0.1.example.com'],
  ])('refuses %s=%s, by name', (name, value) => {
    const problems = problemsOf({ ...good, [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} is `))
  })

  it.each(['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:3000', 'http://id.localhost'])(
    'takes http on loopback: %s',
    issuer => expect(problemsOf({ ...good, ISSUER: issuer })).toEqual([]),
  )

  it('takes the embedded Postgres when told to', () => {
    expect(problemsOf({ ...good, DATABASE_URL: '', ALLOW_EMBEDDED_POSTGRES: 'true' })).toEqual([])
  })
})

describe('the documents printed from the table', () => {
  it('are not stale', async () => {
    const docs = fileURLToPath(new URL('../bin/docs.mjs', import.meta.url))
    expect(await runNode([docs, '--check']).finished).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  it.each(Object.entries(SETTINGS))('give an example of %s that is taken', (_name, setting) => {
    if ('example' in setting) expect(() => setting.parse(setting.example)).not.toThrow()
  })
})
