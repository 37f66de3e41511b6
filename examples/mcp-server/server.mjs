// An MCP server that Latchkey protects. README.md says how to try it.
import { createServer } from 'node:http'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import {
  bearerChallenge,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
} from 'latchkey/protected-resource'

const { ISSUER = 'http://localhost:3000', PORT = '8082' } = process.env
const { RESOURCE = `http://127.0.0.1:${PORT}/mcp` } = process.env
const SCOPES = ['read:notes']
const MOST_CHARACTERS = 1024 * 1024

const address = new URL(RESOURCE)
const metadataAddress = new URL(protectedResourceMetadataUrl(RESOURCE))
const metadata = protectedResourceMetadata({
  resource: RESOURCE,
  authorizationServers: [ISSUER],
  scopes: SCOPES,
  name: 'Notes',
})
const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`))
const expected = {
  issuer: ISSUER,
  audience: RESOURCE, // made for this server, and no other
  typ: 'at+jwt',
  algorithms: ['ES256', 'EdDSA', 'RS256'],
}

/** Why a request is turned away; what it becomes on the wire is in `refuse`. */
class Refused extends Error {
  constructor(status, error, description) {
    super(description ?? 'no token')
    Object.assign(this, { status, error, description })
  }
}

/** The caller, from a JWT access token in the header; there is no other way in. */
async function authenticate({ headers }) {
  if (headers.authorization === undefined) throw new Refused(401)
  const [, token] = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers.authorization) ?? []
  if (token === undefined) throw new Refused(401, 'invalid_token', 'The token is not a JWT access token.')
  const { payload } = await jwtVerify(token, keys, expected).catch(error => {
    throw judged(error)
  })
  // One that is bound to a key is no bearer token (RFC 7800).
  if (payload.cnf) throw new Refused(401, 'invalid_token', 'The token is bound to a key.')
  const scopes = (payload.scope ?? '').split(' ')
  if (!SCOPES.every(scope => scopes.includes(scope)))
    throw new Refused(403, 'insufficient_scope', 'The token lacks a scope.')
  return { token, clientId: payload.client_id, scopes, extra: { subject: payload.sub } }
}

/** The token is at fault; or Latchkey's keys cannot be read: then nobody is let in, and nobody told to sign in again. */
function judged(error) {
  const ofToken =
    /^ERR_(?:JWT_|JWS_|JWKS_(?:NO|MULTIPLE)_MATCHING_KEYS?|JOSE_ALG_NOT_ALLOWED|JOSE_NOT_SUPPORTED)/
  return ofToken.test(error.code) ? new Refused(401, 'invalid_token', 'The token is not good here.') : error
}

/** One for each request: this server keeps nothing between them. */
function createNotes() {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool(
    'list_notes',
    { description: 'Your notes', annotations: { readOnlyHint: true } },
    async ({ authInfo }) => {
      const notes = { owner: authInfo.extra.subject, notes: ['Ask who is calling, and what they may do'] }
      return { content: [{ type: 'text', text: JSON.stringify(notes) }] }
    },
  )
  return server
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, RESOURCE)
  if (pathname === metadataAddress.pathname) return publish(response)
  if (pathname !== address.pathname) return send(response, 404, { error: 'not_found' })
  request.auth = await authenticate(request)
  const server = createNotes()
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
  response.on('close', () => Promise.all([transport.close(), server.close()]))
  await server.connect(transport)
  await transport.handleRequest(request, response, await readJson(request))
}

/** To anybody, and to scripts of every origin: there is no secret in it. */
function publish(response) {
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('Cache-Control', 'max-age=3600')
  send(response, 200, metadata)
}

function refuse(response, error) {
  if (!(error instanceof Refused)) {
    process.stderr.write(`${error.stack}\n`)
    return response.headersSent
      ? response.destroy()
      : send(response, 503, { error: 'temporarily_unavailable' })
  }
  const { status, error: code, description } = error
  const challenge = { resource: RESOURCE, error: code, description, scopes: SCOPES }
  response.setHeader('WWW-Authenticate', bearerChallenge(challenge))
  send(response, status, { error: code ?? 'unauthenticated', error_description: description })
}

function send(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

/** Undefined for what is no JSON: the transport says so then. */
async function readJson(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MOST_CHARACTERS) throw new Error('The request is too long')
  }
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

createServer((request, response) => {
  answer(request, response).catch(error => refuse(response, error))
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening ${RESOURCE}\n`))
