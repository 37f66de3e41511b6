/** Resources: the APIs of an organization. */
import type { ComponentChildren } from 'preact'
import { counted, span } from './en-counted.ts'

type Words = ComponentChildren

export const resources = {
  title: 'Resources',
  lead: 'The APIs of your organizations that take tokens from here, and their scopes.',
  empty: 'No resources yet',
  emptyNote:
    'A resource is an API of yours with a list of scopes. Clients, keys and personal tokens are given some of them.',
  noOrganization:
    'Resources belong to an organization, and you are not a member of one. Ask an administrator to add you to yours.',
  create: 'Register a resource',
  newTitle: 'Register a resource',
  newLead: 'An API that takes tokens from this server.',

  resource: 'Resource',
  identifier: 'Identifier',
  organization: 'Organization',
  noOne: 'The operator',
  builtIn: 'Built in',
  builtInNote: 'It is the API of this server itself and follows it: nothing about it can be changed.',
  tokenFormat: 'Token format',
  formats: { jwt: 'JWT', opaque: 'Opaque' },
  tokenSigningAlg: 'JWTs are signed with',
  lifetime: 'Tokens live for',
  span,
  environment: 'Environment',
  anyEnvironment: 'Any',
  created: 'Registered',
  layersTitle: 'Taken together only',
  layerKinds: {
    'client-certificate': 'Client certificate',
    'access-token': 'Access token',
    'api-key': 'API key',
    'personal-access-token': 'Personal access token',
    'signing-secret': 'Signed request',
    'client-secret': 'Client id and secret (Basic)',
  } as const,
  withCertificate: (others: string): string => `A client certificate, and beside it: ${others}`,
  addresses: 'Taken from',
  scopes: 'Scopes',
  scopeCount: (count: number): string => counted(count, 'scope', 'scopes'),
  noScopes: 'No scopes yet: nobody can be given anything here.',
  restricted: 'Restricted',
  selfRegistered: 'Any application',
  settings: 'Settings',
  metadata: 'For clients that begin at the API',
  metadataNote: (address: Words): Words[] => [
    'MCP clients and others ask the API itself which server gives tokens for it (RFC 9728). It answers with this document at ',
    address,
    '.',
  ],
  edit: 'Edit',
  editTitle: 'Edit resource',

  form: {
    identifier: 'Identifier',
    identifierHint:
      'The address of the API, such as https://api.example.com. Tokens name it as their audience, so it cannot be changed later.',
    name: 'Name',
    nameHint: 'People see it when they are asked to allow an application.',
    organization: 'Organization',
    organizationHint: 'Its members look after the resource, by their role.',
    tokenFormat: 'Token format',
    jwt: 'JWT',
    jwtHint: 'The API checks a token by itself, with the public keys of this server. It ends at its expiry.',
    opaque: 'Opaque',
    opaqueHint: 'The API asks this server about every token. Whatever ends here ends there at once.',
    tokenSigningAlg: 'JWTs are signed with',
    tokenSigningAlgHint:
      'ES256 is understood nearly everywhere. RS256 is for older libraries, EdDSA (Ed25519) for those that ask for it.',
    lifetime: 'Tokens live for',
    environment: 'Environment',
    environmentHint: 'Keys and personal tokens of another environment are refused.',
    anyEnvironment: 'Any environment',
    demands: 'Layers',
    layers: 'Taken together only',
    layersHint:
      'Tick the client certificate and what is taken beside it: then neither is enough alone. The certificate is one that is registered for this resource, of the same client. Without a tick one credential is enough.',
    addresses: 'Allowed addresses',
    addressesHint:
      'One address or CIDR range a line, such as 192.0.2.0/24. Requests from elsewhere are refused, whatever they show. Leave it empty to allow any.',
    scopesTitle: 'What can be allowed here?',
    scopesHint:
      'A name for software and a description for people, as they read it when they are asked. An empty name takes the row away.',
    scopes: 'Scopes',
    scope: (number: number): string => `Scope ${number}`,
    scopeName: 'Name',
    scopeDescription: 'Description',
    scopeRestricted: 'Restricted',
    scopeRestrictedHint: 'A person needs a role for it.',
    scopeSelfRegistered: 'Open to any application',
    scopeSelfRegisteredHint: 'Applications that registered themselves may ask people for it.',
    moreRows: 'More rows',
    button: 'Register',
  },

  delete: 'Delete',
  deleteTitle: (name: string): string => `Delete ${name}?`,
  deleteNote: (name: Words): Words[] => [
    'No token is issued for ',
    name,
    ' any more, and none is taken there when it is asked about. Its scopes are taken from every client and every role. This cannot be undone.',
  ],
  keep: 'Keep resource',
}
