import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { createAuthority, createSelfSigned, FOR_LOCALHOST } from '../support/certificates.ts'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-tls-files-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const file = (name: string, text: string) => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const root = createAuthority()
const middle = root.intermediate()
const server = middle.issue(FOR_LOCALHOST)
const weak = createSelfSigned({ keyType: 'rsa-1024' })
const good = {
  TLS_PORT: '3443',
  TLS_CERT: file('cert.pem', server.chain),
  TLS_KEY: file('key.pem', server.key),
}

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('the settings of TLS', () => {
  it('are taken together', () => {
    const TLS_CLIENT_CA = file('ca.pem', `Our authorities:\n${root.cert}\nand\n${middle.cert}`)
    expect(loadConfig({ ...good, TLS_CLIENT_CA })).toMatchObject({
      tlsPort: 3443,
      tlsCert: good.TLS_CERT,
      tlsKey: good.TLS_KEY,
      tlsClientCa: TLS_CLIENT_CA,
      mtlsOrigin: 'https://localhost:3443',
    })
    expect(loadConfig({ TLS_CLIENT_CA }).tlsClientCa).toBe(TLS_CLIENT_CA)
  })

  it('say where clients with certificates reach us', () => {
    const originOf = (environment: Record<string, string>) => loadConfig(environment).mtlsOrigin
    const ISSUER = 'https://id.example.com'
    expect(originOf({})).toBeUndefined()
    expect(originOf({ ...good, ISSUER })).toBe('https://id.example.com:3443')
    expect(originOf({ ...good, ISSUER, TLS_PORT: '443' })).toBeUndefined()
    expect(originOf({ ...good, ISSUER: 'http://[::1]:3000' })).toBe('https://[::1]:3443')
    expect(originOf({ ...good, ISSUER, MTLS_ORIGIN: 'https://mtls.example.com' })).toBe(
      'https://mtls.example.com',
    )
    expect(originOf({ ...good, ISSUER, MTLS_ORIGIN: ISSUER })).toBeUndefined()
    const proxy = { TRUSTED_PROXIES: '10.0.0.1', CLIENT_CERTIFICATE_HEADER: 'nginx' }
    expect(originOf({ ...proxy, ISSUER, MTLS_ORIGIN: 'https://mtls.example.com' })).toBe(
      'https://mtls.example.com',
    )
    expect(originOf({ ...proxy, ISSUER })).toBeUndefined()
  })

  const nowhere = join(directory, 'nowhere.pem')

  it.each<[string, Record<string, string>, string]>([
    [
      'a port alone',
      { TLS_PORT: '3443' },
      'TLS_CERT and TLS_KEY are not set: TLS_PORT, TLS_CERT, TLS_KEY belong together.',
    ],
    [
      'no port',
      { ...good, TLS_PORT: '' },
      'TLS_PORT is not set: TLS_PORT, TLS_CERT, TLS_KEY belong together.',
    ],
    [
      'the port of http',
      { ...good, PORT: '3443' },
      'TLS_PORT is 3443, which is PORT: TLS needs a port of its own.',
    ],
    ['no file', { ...good, TLS_CERT: nowhere }, `TLS_CERT is ${nowhere}, which cannot be read (ENOENT).`],
    [
      'a directory',
      { ...good, TLS_KEY: directory },
      `TLS_KEY is ${directory}, which cannot be read (EISDIR).`,
    ],
    [
      'the key as the certificate',
      { ...good, TLS_CERT: good.TLS_KEY },
      `TLS_CERT is ${good.TLS_KEY}, which has no certificate in PEM.`,
    ],
    [
      'the certificate as the key',
      { ...good, TLS_KEY: good.TLS_CERT },
      `TLS_KEY is ${good.TLS_CERT}, which has no private key in PEM without a passphrase.`,
    ],
    [
      'the key of another',
      { ...good, TLS_KEY: file('other.pem', root.key) },
      `TLS_KEY is ${join(directory, 'other.pem')}, which is not the key of the certificate in TLS_CERT.`,
    ],
    [
      'a weak key',
      { ...good, TLS_CERT: file('weak.pem', weak.cert), TLS_KEY: file('weak-key.pem', weak.key) },
      `TLS_CERT is ${join(directory, 'weak.pem')}, which TLS does not take: its key or signature is too weak.`,
    ],
    [
      'an authority that is none',
      { TLS_CLIENT_CA: file('no-ca.pem', root.cert + server.cert) },
      `TLS_CLIENT_CA is ${join(directory, 'no-ca.pem')}, which has a certificate that is no authority's: CN=localhost.`,
    ],
    [
      'an origin without TLS',
      { ...good, MTLS_ORIGIN: 'http://mtls.example.com' },
      'MTLS_ORIGIN is http://mtls.example.com: certificates need https.',
    ],
    [
      'an origin that nobody serves',
      { MTLS_ORIGIN: 'https://mtls.example.com' },
      'MTLS_ORIGIN is set, but nobody can show a certificate: set TLS_PORT or CLIENT_CERTIFICATE_HEADER.',
    ],
    [
      'a header of no proxy',
      { CLIENT_CERTIFICATE_HEADER: 'nginx' },
      'CLIENT_CERTIFICATE_HEADER is set, but TRUSTED_PROXIES is not: nobody would be believed.',
    ],
  ])('refuse %s', (_what, environment, problem) => {
    expect(problemsOf(environment)).toEqual([problem])
  })

  it('say everything that is wrong at once', () => {
    const environment = {
      ...good,
      TLS_CERT: nowhere,
      TLS_KEY: '',
      TLS_CLIENT_CA: nowhere,
      CLIENT_CERTIFICATE_HEADER: 'x',
    }
    expect(problemsOf(environment).map(problem => problem.split(' ')[0])).toEqual([
      'CLIENT_CERTIFICATE_HEADER',
      'TLS_KEY',
      'TLS_CERT',
      'TLS_CLIENT_CA',
    ])
  })
})
