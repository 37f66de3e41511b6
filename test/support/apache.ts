// Debian's Apache with mod_auth_openidc as a relying party: a process of its own with a configuration of its own, in front
// of a small application that sees the person only in the headers that the module writes.
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isListening, runInForeground } from './foreground.ts'
import { freePort } from './free-port.ts'

export interface Apache {
  readonly origin: string
  /** What the declarative file has to say about it. */
  readonly registration: { readonly client_id: string; readonly [field: string]: unknown }
  /** Starts it; discovery is read when the first person comes. */
  start(issuer: string): Promise<void>
  /** The address that ends the module's session and then the issuer's. */
  readonly signOut: string
  /** The headers of each request that came through to the application, in order. */
  readonly visits: IncomingHttpHeaders[]
  close(): Promise<void>
}

const BINARY = '/usr/sbin/apache2'
const MODULES = '/usr/lib/apache2/modules'
const SECRET = 'apache-secret-for-tests-only-0123456789abcd'

/** @throws with the command to run when Apache or its module is not installed */
function checkInstalled(): void {
  try {
    accessSync(BINARY, constants.X_OK)
    accessSync(join(MODULES, 'mod_auth_openidc.so'))
  } catch (cause) {
    throw new Error(
      'There is no Apache with mod_auth_openidc for the tests. Run, as root: ' +
        'apt-get update && apt-get install -y --no-install-recommends libapache2-mod-auth-openidc',
      { cause },
    )
  }
}

export async function startApache(): Promise<Apache> {
  checkInstalled()
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-apache-'))
  const visits: IncomingHttpHeaders[] = []
  let stop = async () => {}

  // Apache keeps its connections: they must not end just when it takes one up again.
  const application = createServer({ keepAliveTimeout: 0 }, (req, res) => {
    visits.push(req.headers)
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    res.end(
      '<!doctype html><html lang="en"><title>Application</title><link rel="icon" href="data:,">' +
        `<h1>Hello ${req.headers.oidc_claim_name ?? 'nobody'}</h1>`,
    )
  })
  await new Promise<void>(resolve => application.listen(0, '127.0.0.1', resolve))
  const behind = `http://127.0.0.1:${(application.address() as AddressInfo).port}`

  const configuration = (issuer: string) =>
    [
      `ServerRoot "${directory}"`,
      'ServerName 127.0.0.1',
      `Listen 127.0.0.1:${port}`,
      `PidFile "${directory}/apache.pid"`,
      `ErrorLog "${directory}/error.log"`,
      `DefaultRuntimeDir "${directory}"`,
      'LogLevel warn auth_openidc:info',
      // Root starts it and hands over to an account without rights; anybody else stays who they are.
      ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
      ...['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc'].map(
        name => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`,
      ),
      'StartServers 1',
      'ServerLimit 2',
      'ThreadsPerChild 4',
      'MaxRequestWorkers 8',
      'MinSpareThreads 1',
      'MaxSpareThreads 8',
      `OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration`,
      'OIDCClientID apache',
      `OIDCClientSecret ${SECRET}`,
      'OIDCCryptoPassphrase a-passphrase-for-tests-only',
      `OIDCRedirectURI ${origin}/signed-in`,
      'OIDCPKCEMethod S256',
      'OIDCScope "openid profile email"',
      'OIDCRemoteUserClaim preferred_username',
      '<Location />',
      'AuthType openid-connect',
      'Require valid-user',
      '</Location>',
      `ProxyPass / ${behind}/`,
      '',
    ].join('\n')

  return {
    origin,
    registration: {
      client_id: 'apache',
      client_name: 'Apache',
      client_secret: SECRET,
      redirect_uris: [`${origin}/signed-in`],
      post_logout_redirect_uris: [`${origin}/`],
      backchannel_logout_uri: `${origin}/signed-in?logout=backchannel`,
      backchannel_logout_session_required: true,
      grant_types: ['authorization_code', 'refresh_token'],
    },
    async start(issuer) {
      const file = join(directory, 'apache.conf')
      const log = join(directory, 'error.log')
      writeFileSync(file, configuration(issuer))
      const apache = await runInForeground({
        name: 'Apache',
        binary: BINARY,
        args: ['-f', file, '-DFOREGROUND'],
        answers: () => isListening(port),
        errors: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
      })
      stop = apache.end
    },
    signOut: `${origin}/signed-in?${new URLSearchParams({ logout: `${origin}/` })}`,
    visits,
    async close() {
      await stop()
      application.closeAllConnections()
      await new Promise(resolve => application.close(resolve))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
