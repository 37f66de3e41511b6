// What tests of certificates stand on: OpenSSL's certificates are what they should be, and real proxies take them.
import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { startCaddy } from './caddy.ts'
import { createAuthority, createSelfSigned, FOR_LOCALHOST, type Holder } from './certificates.ts'
import { freePort } from './free-port.ts'
import { startNginx } from './nginx.ts'

describe('certificates for tests', () => {
  const root = createAuthority()

  it('are issued by an authority, with names, dates and use', () => {
    const wanted = { subject: '/O=Acme/CN=billing', names: [{ dns: 'a.example' }, { ip: '2001:db8::1' }] }
    const { cert, key, thumbprint } = root.issue({ ...wanted, notAfter: new Date('2030-01-02T03:04:05Z') })
    const x509 = new X509Certificate(cert)
    expect(x509.verify(new X509Certificate(root.cert).publicKey)).toBe(true)
    expect(x509.subject).toBe('O=Acme\nCN=billing')
    expect(x509.subjectAltName).toBe('DNS:a.example, IP Address:2001:DB8:0:0:0:0:0:1')
    expect(x509.validTo).toBe('Jan  2 03:04:05 2030 GMT')
    expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(x509.ca).toBe(false)
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    expect(thumbprint).toMatch(/^[\w-]{43}$/)
  })

  it('come from an intermediate, with their chain', () => {
    const below = root.intermediate().intermediate({ subject: '/CN=Deep' })
    const { chain, cert } = below.issue()
    expect(chain.startsWith(cert)).toBe(true)
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(3)
    expect(new X509Certificate(cert).issuer).toBe('CN=Deep')
  })

  it('sign themselves, with any key', () => {
    for (const keyType of ['ec', 'rsa', 'ed25519'] as const) {
      const x509 = new X509Certificate(createSelfSigned({ keyType }).cert)
      expect(x509.verify(x509.publicKey)).toBe(true)
    }
  })

  it('have names that no tool would take', () => {
    const { der } = root.issue({ names: [{ dns: 'good.example\0.evil.example' }, { dns: 'a, DNS:b' }] })
    expect(der.includes(Buffer.from('good.example\0.evil.example'))).toBe(true)
    expect(der.includes(Buffer.from('a, DNS:b'))).toBe(true)
  })
})

describe('real proxies', () => {
  const root = createAuthority()
  const server = root.issue(FOR_LOCALHOST)
  const client = root.issue({ subject: '/CN=billing' })
  const files = { 'cert.pem': server.cert, 'key.pem': server.key, 'ca.pem': root.cert }

  const askedBehind = async (
    start: (port: number, behind: string) => Promise<{ close(): Promise<void> }>,
  ) => {
    const seen: (string | undefined)[] = []
    const behind = createServer((req, res) => {
      seen.push(req.headers['x-subject']?.toString())
      res.end('here')
    })
    await new Promise<void>(resolve => behind.listen(0, '127.0.0.1', resolve))
    const port = await freePort()
    try {
      const proxy = await start(port, `127.0.0.1:${(behind.address() as AddressInfo).port}`)
      try {
        expect(await get(port, root, client)).toBe('here')
      } finally {
        await proxy.close()
      }
    } finally {
      behind.closeAllConnections()
      await new Promise(resolve => behind.close(resolve))
    }
    return seen
  }

  it('nginx ends TLS, and tells of the certificate', async () => {
    const seen = await askedBehind((port, behind) =>
      startNginx({
        port,
        files,
        config: `server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate cert.pem; ssl_certificate_key key.pem;
          ssl_client_certificate ca.pem; ssl_verify_client on;
          location / { proxy_pass http://${behind}; proxy_set_header X-Subject $ssl_client_s_dn; }
        }`,
      }),
    )
    expect(seen).toEqual(['CN=billing'])
  })

  it('Caddy ends TLS, and tells of the certificate', async () => {
    const seen = await askedBehind((port, behind) =>
      startCaddy({
        port,
        files,
        config: `https://localhost:${port} {
          bind 127.0.0.1
          tls cert.pem key.pem {
            client_auth {
              mode require_and_verify
              trusted_ca_cert_file ca.pem
            }
          }
          reverse_proxy ${behind} {
            header_up X-Subject {http.request.tls.client.subject}
          }
        }`,
      }),
    )
    expect(seen).toEqual(['CN=billing'])
  })

  it('say what is wrong with their configuration', async () => {
    const port = await freePort()
    await expect(startNginx({ port, config: 'nonsense;' })).rejects.toThrow(/unknown directive "nonsense"/)
    await expect(startCaddy({ port, config: ':1 {\n nonsense\n}' })).rejects.toThrow(/nonsense/)
  })
})

function get(port: number, { cert: ca }: Holder, { cert, key }: Holder): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: 'localhost', port, ca, cert, key, agent: false }, answer => {
      let text = ''
      answer.on('data', chunk => {
        text += chunk
      })
      answer.on('end', () => resolve(text))
    })
    asked.on('error', reject)
    asked.end()
  })
}
