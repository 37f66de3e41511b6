/** `/v1/clients`: the clients of the caller's organizations and their secrets. */
import { z } from 'zod'
import { findShownClient, listClientsOf } from '../clients/client-list.ts'
import { apiRoute } from '../credentials/api-caller.ts'
import { endedByRotation, refuseTwoEnds } from '../credentials/minted-json.ts'
import { listOf, pageQuery } from '../http/page.ts'
import { notFound } from '../http/problem.ts'
import { timeIn } from '../http/time-schema.ts'
import { actorOf, type DeveloperDeps } from './change.ts'
import { clientChanges, newClient } from './client-input.ts'
import { clientJson, clientObject, secretJson, secretObject } from './client-json.ts'
import {
  addClientSecret,
  GRACE_SECONDS,
  MAX_GRACE_SECONDS,
  revokeClientSecret,
  rotateClientSecret,
} from './client-secrets.ts'
import { checkReach, findReach, organizationsOf } from './ownership.ts'
import { changeClient, registerClient, removeClient } from './register-client.ts'

const CLIENT = '/v1/clients/{client_id}'
const SECRET = `${CLIENT}/secrets/{secret_id}`

const addressOf = (clientId: string) => `/v1/clients/${encodeURIComponent(clientId)}`

const secretAddress = ({ id }: { id: string }, param: (name: string) => string) =>
  `${addressOf(param('client_id'))}/secrets/${id}`

const newSecret = z.strictObject({ expires_at: timeIn.nullable().optional() })

const secretRotation = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(MAX_GRACE_SECONDS)
      .optional()
      .describe(`How long the replaced secret still works; ${GRACE_SECONDS} unless said`),
    retire_at: timeIn.optional(),
    immediately: z.boolean().optional(),
  })
  .superRefine(refuseTwoEnds)

export function clientRoutes(deps: DeveloperDeps) {
  const { db } = deps
  return [
    apiRoute({
      method: 'get',
      path: '/v1/clients',
      summary: 'The clients of your organizations, newest first',
      scope: 'clients:read',
      status: 200,
      query: pageQuery,
      response: listOf(clientObject),
      async answer({ caller, query }) {
        const reach = await findReach(db, caller)
        const { data, nextCursor } = await listClientsOf(db, organizationsOf(reach), query)
        return { data: data.map(client => clientJson(client)), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: '/v1/clients',
      summary: 'Register a client. A confidential one gets a secret, shown this once',
      scope: 'clients:write',
      status: 201,
      body: newClient,
      response: clientObject,
      location: made => addressOf(made.client_id),
      async answer({ caller, ctx, body }) {
        const { client, secret } = await registerClient(deps, actorOf({ caller, ctx }), body)
        return clientJson(client, secret)
      },
    }),
    apiRoute({
      method: 'get',
      path: CLIENT,
      summary: 'One client',
      scope: 'clients:read',
      status: 200,
      response: clientObject,
      async answer({ caller, param }) {
        const client = await findShownClient(db, param('client_id'))
        checkReach(await findReach(db, caller), client?.organizationId, 'viewer')
        if (!client) throw notFound()
        return clientJson(client)
      },
    }),
    apiRoute({
      method: 'patch',
      path: CLIENT,
      summary: 'Change a client: what is left out stays, lists are replaced',
      scope: 'clients:write',
      status: 200,
      body: clientChanges,
      response: clientObject,
      revokes: made => (made.disabled ? 1 : undefined),
      answer: async ({ caller, ctx, body, param }) =>
        clientJson(await changeClient(deps, actorOf({ caller, ctx }), param('client_id'), body)),
    }),
    apiRoute({
      method: 'delete',
      path: CLIENT,
      summary: 'Delete a client and end everything that was issued to it',
      scope: 'clients:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        await removeClient(deps, actorOf({ caller, ctx }), param('client_id'))
      },
    }),
    apiRoute({
      method: 'post',
      path: `${CLIENT}/secrets`,
      summary: 'Give a client another secret; the others stay',
      scope: 'clients:write',
      status: 201,
      body: newSecret,
      response: secretObject,
      location: secretAddress,
      async answer({ caller, ctx, body, param }) {
        const made = await addClientSecret(deps, actorOf({ caller, ctx }), param('client_id'), body)
        return secretJson(made.shown, made.secret)
      },
    }),
    apiRoute({
      method: 'get',
      path: SECRET,
      summary: 'One secret of a client, without its value',
      scope: 'clients:read',
      status: 200,
      response: secretObject,
      async answer({ caller, param }) {
        const client = await findShownClient(db, param('client_id'))
        checkReach(await findReach(db, caller), client?.organizationId, 'viewer')
        const secret = client?.shownSecrets.find(({ id }) => id === param('secret_id'))
        if (!secret) throw notFound()
        return secretJson(secret)
      },
    }),
    apiRoute({
      method: 'post',
      path: `${SECRET}/rotate`,
      summary: 'Replace a secret: the new one works at once, the old one until its grace is over',
      scope: 'clients:write',
      status: 201,
      body: secretRotation,
      response: secretObject,
      location: secretAddress,
      revokes: endedByRotation,
      async answer({ caller, ctx, body, param }) {
        const which = { clientId: param('client_id'), secretId: param('secret_id') }
        const made = await rotateClientSecret(deps, actorOf({ caller, ctx }), which, body)
        return secretJson(made.shown, made.secret)
      },
    }),
    apiRoute({
      method: 'delete',
      path: SECRET,
      summary: 'Revoke one secret of a client',
      scope: 'clients:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        const which = { clientId: param('client_id'), secretId: param('secret_id') }
        await revokeClientSecret(deps, actorOf({ caller, ctx }), which)
      },
    }),
  ]
}
