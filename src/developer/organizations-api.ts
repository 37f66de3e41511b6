/** `/v1/organizations`: those the caller acts on, and their members. */
import { z } from 'zod'
import {
  findMember,
  findShownOrganization,
  listMembers,
  listOrganizations,
  type Member,
  type ShownOrganization,
} from '../accounts/membership.ts'
import { shortName, shownText } from '../accounts/shown-text.ts'
import { apiRoute } from '../credentials/api-caller.ts'
import { listOf, pageQuery } from '../http/page.ts'
import { notFound } from '../http/problem.ts'
import { timeOut } from '../http/time-schema.ts'
import { actorOf, type DeveloperDeps } from './change.ts'
import {
  addMember,
  changeMember,
  createOrganization,
  dropMember,
  renameOrganization,
} from './organization-changes.ts'
import { checkReach, findReach, organizationsOf, type Reach, roleIn } from './ownership.ts'

const ORGANIZATIONS = '/v1/organizations'
const ORGANIZATION = `${ORGANIZATIONS}/{id}`
const MEMBERS = `${ORGANIZATION}/members`
const MEMBER = `${MEMBERS}/{account_id}`

const role = z.enum(['owner', 'developer', 'viewer'])

const organizationObject = z
  .strictObject({ id: z.string(), name: z.string(), role: role.nullable(), created_at: timeOut })
  .meta({ id: 'Organization' })

const memberObject = z
  .strictObject({
    account_id: z.string(),
    username: z.string(),
    name: z.string(),
    role,
    created_at: timeOut,
  })
  .meta({ id: 'Member' })

const newOrganization = z.strictObject({ id: shortName('an id').optional(), name: shownText })
const organizationChanges = z.strictObject({ name: shownText.optional() })
const newMember = z.strictObject({ account: z.string().describe('A username'), role })
const memberChanges = z.strictObject({ role })

const organizationJson = (reach: Reach, { id, name, createdAt }: ShownOrganization) => ({
  id,
  name,
  role: roleIn(reach, id) ?? null,
  created_at: createdAt.toISOString(),
})

const memberJson = (member: Member) => ({
  account_id: member.accountId,
  username: member.username,
  name: member.name,
  role: member.role,
  created_at: member.since.toISOString(),
})

const addressOf = (id: string) => `${ORGANIZATIONS}/${encodeURIComponent(id)}`

export function organizationRoutes(deps: DeveloperDeps) {
  const { db } = deps
  return [
    apiRoute({
      method: 'get',
      path: ORGANIZATIONS,
      summary: 'Your organizations, by id',
      scope: 'organizations:read',
      status: 200,
      query: pageQuery,
      response: listOf(organizationObject),
      async answer({ caller, query }) {
        const reach = await findReach(db, caller)
        const { data, nextCursor } = await listOrganizations(db, organizationsOf(reach), query)
        return { data: data.map(one => organizationJson(reach, one)), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: ORGANIZATIONS,
      summary: 'Make an organization. Administrators only',
      scope: 'organizations:write',
      status: 201,
      body: newOrganization,
      response: organizationObject,
      location: ({ id }) => addressOf(id),
      async answer({ caller, ctx, body }) {
        const made = await createOrganization(deps, actorOf({ caller, ctx }), body)
        return organizationJson(await findReach(db, caller), made)
      },
    }),
    apiRoute({
      method: 'get',
      path: ORGANIZATION,
      summary: 'One organization',
      scope: 'organizations:read',
      status: 200,
      response: organizationObject,
      async answer({ caller, param }) {
        const organization = await findShownOrganization(db, param('id'))
        const reach = await findReach(db, caller)
        checkReach(reach, organization?.id, 'viewer')
        if (!organization) throw notFound()
        return organizationJson(reach, organization)
      },
    }),
    apiRoute({
      method: 'patch',
      path: ORGANIZATION,
      summary: 'Rename an organization. Owners only',
      scope: 'organizations:write',
      status: 200,
      body: organizationChanges,
      response: organizationObject,
      async answer({ caller, ctx, body, param }) {
        const changed = await renameOrganization(deps, actorOf({ caller, ctx }), param('id'), body.name)
        return organizationJson(await findReach(db, caller), changed)
      },
    }),
    apiRoute({
      method: 'get',
      path: MEMBERS,
      summary: 'The members of an organization',
      scope: 'organizations:read',
      status: 200,
      query: pageQuery,
      response: listOf(memberObject),
      async answer({ caller, query, param }) {
        const organization = await findShownOrganization(db, param('id'))
        checkReach(await findReach(db, caller), organization?.id, 'viewer')
        const { data, nextCursor } = await listMembers(db, param('id'), query)
        return { data: data.map(memberJson), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: MEMBERS,
      summary: 'Make an account a member. Owners only',
      scope: 'organizations:write',
      status: 201,
      body: newMember,
      response: memberObject,
      location: (made, param) => `${addressOf(param('id'))}/members/${made.account_id}`,
      answer: async ({ caller, ctx, body, param }) =>
        memberJson(await addMember(deps, actorOf({ caller, ctx }), param('id'), body)),
    }),
    apiRoute({
      method: 'get',
      path: MEMBER,
      summary: 'One member of an organization',
      scope: 'organizations:read',
      status: 200,
      response: memberObject,
      async answer({ caller, param }) {
        const organization = await findShownOrganization(db, param('id'))
        checkReach(await findReach(db, caller), organization?.id, 'viewer')
        const member = await findMember(db, param('id'), param('account_id'))
        if (!member) throw notFound()
        return memberJson(member)
      },
    }),
    apiRoute({
      method: 'patch',
      path: MEMBER,
      summary: 'Change the role of a member. Owners only',
      scope: 'organizations:write',
      status: 200,
      body: memberChanges,
      response: memberObject,
      async answer({ caller, ctx, body, param }) {
        const which = { id: param('id'), accountId: param('account_id') }
        return memberJson(await changeMember(deps, actorOf({ caller, ctx }), which, body.role))
      },
    }),
    apiRoute({
      method: 'delete',
      path: MEMBER,
      summary: 'Take a member away: what its role gave is gone at once. Owners only',
      scope: 'organizations:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        await dropMember(deps, actorOf({ caller, ctx }), { id: param('id'), accountId: param('account_id') })
      },
    }),
  ]
}
