/** oidc-provider as it comes: its in-memory adapter, one static client, one resource, JWT access tokens. */
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'
import { reportPort } from './report.ts'

const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const key = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' }

const provider = new Provider('http://localhost:3000', {
  clients: [
    {
      client_id: 'bench-0',
      client_secret: process.env.BENCH_CLIENT_SECRET ?? '',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [key] } as never,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => process.env.BENCH_RESOURCE ?? '',
      getResourceServerInfo: () => ({
        audience: process.env.BENCH_RESOURCE ?? '',
        scope: 'read:bench',
        accessTokenFormat: 'jwt' as const,
        accessTokenTTL: 900,
        jwt: { sign: { alg: 'ES256' as const } },
      }),
    },
  },
})
reportPort(createServer(provider.callback()))
