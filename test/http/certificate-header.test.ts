import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  CERTIFICATE_HEADERS,
  type CertificateHeader,
  certificateHeaderNames,
  readCertificateHeader,
} from '../../src/http/certificate-header.ts'
import { isCertificateHeader, isForwardingHeader } from '../../src/http/client-address.ts'
import { Problem } from '../../src/http/problem.ts'
import { forgedHeaders, WRITTEN_BY } from '../support/certificate-headers.ts'
import { createAuthority, createSelfSigned } from '../support/certificates.ts'
import { ask, type Ground, ground, on } from './ground.ts'

const root = createAuthority()
const middle = root.intermediate()
const client = middle.issue({ names: [{ dns: 'billing.example' }] })
const other = createSelfSigned()

type Sent = Readonly<Record<string, string | readonly string[]>>

function read(dialect: CertificateHeader, sent: Sent) {
  const lower = new Map(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), [value].flat()]))
  return readCertificateHeader(dialect, name => lower.get(name) ?? [])
}

const refusal = (dialect: CertificateHeader, sent: Sent) => {
  try {
    return `taken: ${read(dialect, sent)?.thumbprint}`
  } catch (error) {
    return error instanceof Problem ? `${error.status} ${error.code}` : String(error)
  }
}

const first = (dialect: CertificateHeader) => certificateHeaderNames(dialect)[0] ?? ''
const each = CERTIFICATE_HEADERS.map(dialect => [dialect] as const)

describe.each(each)('the dialect of %s', dialect => {
  const name = first(dialect)
  const written = WRITTEN_BY[dialect](client)
  const [value = ''] = Object.values(written)

  it('is read, with the chain where the proxy can tell it', () => {
    const shown = read(dialect, written)
    expect(shown?.thumbprint).toBe(client.thumbprint)
    const canTell = dialect !== 'nginx' && dialect !== 'caddy'
    expect(shown?.chain).toEqual(canTell ? [middle.der] : [])
  })

  it('says nothing where there is no certificate', () => {
    expect(read(dialect, {})).toBeUndefined()
    expect(read(dialect, { [name]: '' })).toBeUndefined()
    expect(read(dialect, { [name]: '  ' })).toBeUndefined()
  })

  it.each<[string, string | string[]]>([
    ['twice', [value, value]],
    ['twice, another one second', [value, Object.values(WRITTEN_BY[dialect](other))[0] ?? '']],
    ['words', 'none'],
    ['(null)', '(null)'],
    ['cut', value.slice(0, value.length / 2)],
    ['something behind it', `${value}"`],
    ['something before it', `"${value}`],
    ['a character that is not encoded so', value.replace('M', '*')],
    ['bytes of no certificate', Buffer.from('not a certificate').toString('base64')],
    ['a percent sign', '%'],
    ['U+FFFD', '\uFFFD'],
    ['a long one', value.repeat(30)],
    ['a longer one', 'M'.repeat(40_000)],
  ])('refuses: %s', (_what, sent) => {
    expect(refusal(dialect, { ...written, [Object.keys(written)[0] ?? '']: sent })).toBe(
      '400 invalid_request',
    )
  })

  it('is a certificate with its own thumbprint, nothing or a 400, whatever was changed', () => {
    const changed = fc.tuple(
      fc.nat(value.length),
      fc.nat(4),
      fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom(':', ',', ';', '%', '=', '"', '\\', '\0', '-----'),
      ),
    )
    fc.assert(
      fc.property(fc.array(changed, { minLength: 1, maxLength: 3 }), changes => {
        const sent = changes.reduce(
          (text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut),
          value,
        )
        const problem = refusal(dialect, { [name]: sent })
        if (!problem.startsWith('taken: ')) expect(problem).toBe('400 invalid_request')
        else {
          const shown = read(dialect, { [name]: sent })
          const thumbprint = shown && createHash('sha256').update(shown.der).digest('base64url')
          expect(shown?.thumbprint).toBe(thumbprint)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('certificates in headers', () => {
  it('come alone: two in the place of one are refused', () => {
    const two = encodeURIComponent(client.cert + other.cert)
    expect(refusal('nginx', { 'x-ssl-client-cert': two })).toBe('400 invalid_request')
    expect(refusal('envoy', { 'x-forwarded-client-cert': `Cert="${two}"` })).toBe('400 invalid_request')
    const der = Buffer.concat([client.der, other.der]).toString('base64')
    expect(refusal('caddy', { 'x-client-cert': der })).toBe('400 invalid_request')
    expect(refusal('rfc9440', { 'client-cert': `:${der}:` })).toBe('400 invalid_request')
  })

  it('are not the key, and not a request for one', () => {
    expect(refusal('nginx', { 'x-ssl-client-cert': encodeURIComponent(client.key) })).toBe(
      '400 invalid_request',
    )
    const mixed = encodeURIComponent(`${client.cert}${client.key}`)
    expect(refusal('nginx', { 'x-ssl-client-cert': mixed })).toBe('400 invalid_request')
  })

  it('have a chain of certificates, and of not too many', () => {
    const cert = `:${client.der.toString('base64')}:`
    const chainOf = (...chain: string[]) =>
      refusal('rfc9440', { 'client-cert': cert, 'client-cert-chain': chain })
    const above = `:${middle.der.toString('base64')}:`
    expect(chainOf(above, above)).toBe(`taken: ${client.thumbprint}`)
    expect(chainOf(':AAAA:')).toBe('400 invalid_request')
    expect(chainOf('x')).toBe('400 invalid_request')
    expect(chainOf(`${above};a=1`)).toBe('400 invalid_request')
    expect(chainOf(...Array<string>(11).fill(above))).toBe('400 invalid_request')
    expect(refusal('rfc9440', { 'client-cert-chain': above })).toBe('400 invalid_request')
  })

  it('of Caddy are none when it writes the name of its placeholder', () => {
    const none = '{http.request.tls.client.certificate_der_base64}'
    expect(read('caddy', { 'x-client-cert': none })).toBeUndefined()
    expect(refusal('caddy', { 'x-client-cert': `${none}${none}` })).toBe('400 invalid_request')
  })

  it('of Traefik 2 are percent-encoded', () => {
    const [value = ''] = Object.values(WRITTEN_BY.traefik(client))
    const escaped = value.split(',').map(encodeURIComponent).join(',')
    expect(read('traefik', { 'x-forwarded-tls-client-cert': escaped })?.chain).toEqual([middle.der])
  })

  it('of Envoy are those of one element, which agrees with itself', () => {
    const of = (header: string) => refusal('envoy', { 'x-forwarded-client-cert': header })
    const cert = `Cert="${encodeURIComponent(client.cert)}"`
    const otherCert = `Cert="${encodeURIComponent(other.cert)}"`
    const chain = `Chain="${encodeURIComponent(client.chain)}"`
    const taken = `taken: ${client.thumbprint}`
    expect([of(cert), of(chain), of(`${chain};${cert}`)]).toEqual([taken, taken, taken])
    const refused = [
      `${otherCert},${cert}`,
      `${cert},${otherCert}`,
      `${cert};${otherCert}`,
      `${cert};cert=""`,
      `${otherCert};${chain}`,
      `${cert};Chain=""`,
      `Hash=00;Subject="${cert.replaceAll('"', '\\"')}"`,
      'By=spiffe://a.example;Hash=00',
      `${cert};`,
      `;${cert}`,
      cert.slice(0, -1),
    ]
    for (const header of refused) expect(of(header)).toBe('400 invalid_request')
  })

  it('are in headers that are removed from everybody else', () => {
    for (const name of CERTIFICATE_HEADERS.flatMap(certificateHeaderNames)) {
      expect(isCertificateHeader(name)).toBe(true)
      expect(isForwardingHeader(name.toUpperCase())).toBe(true)
      expect(isCertificateHeader(name.replaceAll('-', '_'))).toBe(true)
    }
    for (const name of Object.keys(forgedHeaders(client))) expect(isCertificateHeader(name)).toBe(true)
  })
})

describe('who is believed', () => {
  const open: Ground[] = []
  const forged = forgedHeaders(other)
  const start = async (certificateHeader?: CertificateHeader, trustedProxies: string[] = ['127.0.0.1']) => {
    const server = await ground({
      trustedProxies,
      certificateHeader,
      routes: () => [
        on('GET', '/shown', ctx => {
          const { rawHeaders } = ctx.req
          const left = rawHeaders.filter((name, at) => at % 2 === 0 && isCertificateHeader(name))
          ctx.body = { thumbprint: ctx.state.clientCertificate?.thumbprint, left }
        }),
      ],
    })
    open.push(server)
    return server
  }
  const asked = async (server: Ground, headers: Record<string, string | string[]>) =>
    (await ask(server, { path: '/shown', headers })).json()

  let none: Ground
  beforeAll(async () => {
    none = await start()
  })
  afterAll(async () => {
    for (const server of open) await server.close()
  })

  it.each(each)('a trusted proxy that speaks as %s, in this and in nothing else', async dialect => {
    const server = await start(dialect)
    const good = WRITTEN_BY[dialect](client)
    const others = Object.entries(forged).filter(
      ([name]) => !certificateHeaderNames(dialect).includes(name.toLowerCase()),
    )
    const all = { ...Object.fromEntries(others), ...good }
    expect(await asked(server, all)).toEqual({ thumbprint: client.thumbprint, left: [] })
    expect(await asked(server, Object.fromEntries(others))).toEqual({ left: [] })
    const [name = '', value = ''] = Object.entries(good)[0] ?? []
    expect(await asked(server, { [name]: [value, value] })).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
    expect(await asked(server, { [name]: 'x' })).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('no other peer', async () => {
    const unlisted = await start('nginx', ['10.0.0.0/8'])
    expect(await asked(unlisted, forged)).toEqual({ left: [] })
    expect(await asked(unlisted, WRITTEN_BY.nginx(client))).toEqual({ left: [] })
    expect(await asked(unlisted, { 'X-SSL-Client-Cert': ['x', 'y'] })).toEqual({ left: [] })
  })

  it('nobody, until the operator says how proxies tell', async () => {
    expect(await asked(none, forged)).toEqual({ left: [] })
  })
})
