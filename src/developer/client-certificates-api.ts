/** `/v1/client-certificates`: the certificates that the clients of the caller's organizations show instead of a key. */
import { z } from 'zod'
import { apiRoute } from '../credentials/api-caller.ts'
import { certificateJson, certificateObject, newCertificate } from '../credentials/client-certificate-json.ts'
import { clientCredentialFieldsOf } from '../credentials/client-credential-json.ts'
import type { ClientCredentials } from '../credentials/client-credential-life-cycle.ts'
import type { Identity } from '../credentials/kind.ts'
import { registerCertificate } from '../credentials/register-certificate.ts'
import type { Db } from '../db/connect.ts'
import { listOf, pageKeys } from '../http/page.ts'
import { actorOf } from './change.ts'
import { checkClientOf, getClientCredential, listOwnClientCredentials } from './client-owned.ts'

const KIND = 'client-certificate'
const CERTIFICATES = '/v1/client-certificates'
const CERTIFICATE = `${CERTIFICATES}/{id}`

const certificateQuery = z.strictObject({
  ...pageKeys,
  client_id: z.string().optional().describe('Only the certificates of this client'),
})

export interface ClientCertificateRoutesDeps {
  readonly db: Db
  readonly clientCredentials: ClientCredentials
}

export function clientCertificateRoutes(deps: ClientCertificateRoutesDeps) {
  const { db, clientCredentials } = deps
  const getCertificate = (caller: Identity, id: string, needed: 'viewer' | 'developer') =>
    getClientCredential(db, caller, { kind: KIND, id }, needed)
  return [
    apiRoute({
      method: 'get',
      path: CERTIFICATES,
      summary: "The certificates of your organizations' clients, newest first, ended ones too",
      scope: 'keys:read',
      status: 200,
      query: certificateQuery,
      response: listOf(certificateObject),
      async answer({ caller, query }) {
        const { data, nextCursor } = await listOwnClientCredentials(db, caller, KIND, query)
        return { data: data.map(certificateJson), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: CERTIFICATES,
      summary: 'Register a certificate for a client: itself, or an authority and a name in it',
      scope: 'keys:write',
      status: 201,
      body: newCertificate,
      response: certificateObject,
      location: ({ id }) => `${CERTIFICATES}/${id}`,
      async answer({ caller, ctx, body: { certificate, ca, san, ...body } }) {
        await checkClientOf(db, caller, body.client_id, 'developer')
        const fields = clientCredentialFieldsOf(body)
        const wanted = { certificate, ca, san }
        const { clientCertificate: shown } = ctx.state
        return certificateJson(
          await registerCertificate(deps, actorOf({ caller, ctx }), fields, wanted, shown),
        )
      },
    }),
    apiRoute({
      method: 'get',
      path: CERTIFICATE,
      summary: 'One client certificate',
      scope: 'keys:read',
      status: 200,
      response: certificateObject,
      answer: async ({ caller, param }) =>
        certificateJson(await getCertificate(caller, param('id'), 'viewer')),
    }),
    apiRoute({
      method: 'delete',
      path: CERTIFICATE,
      summary: 'Revoke a client certificate',
      scope: 'keys:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        const { id } = await getCertificate(caller, param('id'), 'developer')
        await clientCredentials.revoke(actorOf({ caller, ctx }), id)
      },
    }),
  ]
}
