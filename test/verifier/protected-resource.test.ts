import { describe, expect, it, test } from '@jest/globals'
import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js'
import { OAuthProtectedResourceMetadataSchema } from '@modelcontextprotocol/sdk/shared/auth.js'
import {
  bearerChallenge,
  canHaveMetadata,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
} from '../../src/verifier/protected-resource.ts'

const MCP = 'https://mcp.example.com/mcp'
const ISSUER = 'https://id.example.com'

describe('where the document is (RFC 9728, section 3.1)', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com/.well-known/oauth-protected-resource'],
    ['https://api.example.com/', 'https://api.example.com/.well-known/oauth-protected-resource'],
    [MCP, 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'],
    [`${MCP}/`, 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp/'],
    [
      'https://api.example.com:8443/a/b?tenant=1',
      'https://api.example.com:8443/.well-known/oauth-protected-resource/a/b?tenant=1',
    ],
    ['http://127.0.0.1:8082/mcp', 'http://127.0.0.1:8082/.well-known/oauth-protected-resource/mcp'],
    ['http://[::1]/', 'http://[::1]/.well-known/oauth-protected-resource'],
  ])('%s', (resource, address) => {
    expect(protectedResourceMetadataUrl(resource)).toBe(address)
    expect(canHaveMetadata(resource)).toBe(true)
  })

  it.each([
    'urn:example:api',
    'api.example.com',
    'http://api.example.com/',
    'https://api.example.com/#part',
    'https://api.example.com/#',
  ])('%s has none', resource => {
    expect(canHaveMetadata(resource)).toBe(false)
    expect(() => protectedResourceMetadataUrl(resource)).toThrow(TypeError)
    expect(() => protectedResourceMetadata({ resource, authorizationServers: [ISSUER] })).toThrow(TypeError)
    expect(() => bearerChallenge({ resource })).toThrow(TypeError)
  })
})

describe('the document', () => {
  it('says the least', () => {
    // The identifier letter by letter: clients compare it with where they found the document (section 3.3).
    expect(
      protectedResourceMetadata({ resource: 'https://api.example.com', authorizationServers: [ISSUER] }),
    ).toEqual({
      resource: 'https://api.example.com',
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
    })
  })

  it('says all there is, as the MCP SDK reads it', () => {
    const document = protectedResourceMetadata({
      resource: MCP,
      authorizationServers: [ISSUER],
      scopes: ['read:notes', 'write:notes'],
      name: 'Notes',
      documentation: 'https://mcp.example.com/docs',
      dpopRequired: true,
    })
    expect(document).toEqual({
      resource: MCP,
      authorization_servers: [ISSUER],
      scopes_supported: ['read:notes', 'write:notes'],
      bearer_methods_supported: ['header'],
      resource_name: 'Notes',
      resource_documentation: 'https://mcp.example.com/docs',
      dpop_bound_access_tokens_required: true,
    })
    expect(OAuthProtectedResourceMetadataSchema.parse(document)).toEqual(document)
  })

  it('needs an authorization server, and scopes that are scopes', () => {
    expect(() => protectedResourceMetadata({ resource: MCP, authorizationServers: [] })).toThrow(TypeError)
    const scopes = ['two words']
    expect(() =>
      protectedResourceMetadata({ resource: MCP, authorizationServers: [ISSUER], scopes }),
    ).toThrow(TypeError)
  })
})

describe('the challenge', () => {
  const document = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

  test('where no token came: the address of the document alone', () => {
    expect(bearerChallenge({ resource: MCP })).toBe(`Bearer resource_metadata="${document}"`)
  })

  test('for a token that lacks a scope, as the MCP SDK reads it', () => {
    const challenge = bearerChallenge({
      resource: MCP,
      error: 'insufficient_scope',
      description: 'The token lacks "write:notes".',
      scopes: ['read:notes', 'write:notes'],
    })
    expect(challenge).toBe(
      `Bearer resource_metadata="${document}", error="insufficient_scope", ` +
        `error_description="The token lacks 'write:notes'.", scope="read:notes write:notes"`,
    )
    const response = new Response(null, { status: 403, headers: { 'www-authenticate': challenge } })
    expect(extractWWWAuthenticateParams(response)).toEqual({
      resourceMetadataUrl: new URL(document),
      scope: 'read:notes write:notes',
      error: 'insufficient_scope',
    })
  })

  test('no text breaks out of it', () => {
    expect(() => bearerChallenge({ resource: MCP, description: 'two\r\nlines' })).toThrow(TypeError)
    expect(() => bearerChallenge({ resource: MCP, scopes: ['a", error="b'] })).toThrow(TypeError)
    const quote = 'https://mcp.example.com/a"b'
    expect(bearerChallenge({ resource: quote })).not.toContain('a"b')
  })
})
