// What each proxy writes about a client's certificate, as its documentation says it: for tests without that proxy.
import type { CertificateHeader } from '../../src/http/certificate-header.ts'
import type { Holder } from './certificates.ts'

type Headers = Readonly<Record<string, string>>

const base64Of = (pem: string) => pem.replace(/-----[A-Z ]+-----|\s/g, '')
const pemsOf = (chain: string) => chain.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n/g) ?? []

/** With all that the dialect can say; `above` are certificates that the client sent along. */
export const WRITTEN_BY: Readonly<Record<CertificateHeader, (holder: Holder) => Headers>> = {
  rfc9440: ({ cert, chain }) => {
    const [, ...above] = pemsOf(chain)
    return {
      'Client-Cert': `:${base64Of(cert)}:`,
      ...(above.length > 0 && { 'Client-Cert-Chain': above.map(pem => `:${base64Of(pem)}:`).join(', ') }),
    }
  },
  nginx: ({ cert }) => ({ 'X-SSL-Client-Cert': encodeURIComponent(cert) }),
  caddy: ({ cert }) => ({ 'X-Client-Cert': base64Of(cert) }),
  traefik: ({ chain }) => ({ 'X-Forwarded-Tls-Client-Cert': pemsOf(chain).map(base64Of).join(',') }),
  envoy: ({ cert, chain, der }) => ({
    'X-Forwarded-Client-Cert': [
      `Hash=${der.toString('hex').slice(0, 64)}`,
      `Cert="${encodeURIComponent(cert)}"`,
      `Chain="${encodeURIComponent(chain)}"`,
      'Subject="CN=client,O=\\"Acme\\"; Inc"',
      'URI=spiffe://acme.example/billing',
      'DNS=a.example',
      'DNS=b.example',
    ].join(';'),
  }),
}

/** The same certificate in every header that any server is known to believe. */
export function forgedHeaders(holder: Holder): Record<string, string> {
  const known = Object.values(WRITTEN_BY).map(write => write(holder))
  const pem = encodeURIComponent(holder.cert)
  const names = [
    'SSL-Client-Cert',
    'X-SSL-Cert',
    'X-TLS-Client-Cert',
    'X-Client-Certificate',
    'X-ARR-ClientCert',
  ]
  return {
    ...Object.assign({}, ...known),
    ...Object.fromEntries(names.map(name => [name, pem])),
    X_SSL_Client_Cert: pem,
    Client_Cert: `:${base64Of(holder.cert)}:`,
  }
}
