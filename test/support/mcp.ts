// The example MCP server of examples/mcp-server, and a client of it made with the MCP SDK, as an application would.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { freePort } from './free-port.ts'
import { latchkey } from './latchkey.ts'
import { type Finished, runNode } from './process.ts'

export const READ_NOTES = 'read:notes'
export const MCP_CALLBACK = 'http://127.0.0.1:8090/callback'

export interface McpServer {
  /** Its address, and its resource identifier. */
  readonly resource: string
  /** @returns how it ended, with all it has printed */
  close(): Promise<Finished>
}

/** Where a server will listen: its resource is registered before it starts. */
export async function mcpAddress(): Promise<{ port: number; resource: string }> {
  const port = await freePort()
  return { port, resource: `http://127.0.0.1:${port}/mcp` }
}

/** The resource of such a server, for the declarative file. */
export const notesResource = (identifier: string, more: object = {}) => ({
  identifier,
  name: 'Notes',
  scopes: { [READ_NOTES]: { description: 'Read your notes', ...more } },
})

const SERVER = fileURLToPath(new URL('../../examples/mcp-server/server.mjs', import.meta.url))

export async function startMcpServer({
  issuer,
  port,
  resource,
}: {
  issuer: string
  port: number
  resource: string
}): Promise<McpServer> {
  // It imports the package by its name, which is what was built.
  const { code, stderr } = await latchkey(['--version']).finished
  if (code !== 0) throw new Error(`latchkey --version ends with ${code}:\n${stderr}`)
  const { PATH, HOME } = process.env
  const running = runNode([SERVER], {
    env: { PATH, HOME, ISSUER: issuer, PORT: String(port), RESOURCE: resource },
  })
  await running.printed(/^listening /m)
  return {
    resource,
    async close() {
      if (running.process.kill('SIGTERM')) await once(running.process, 'exit')
      return running.finished
    },
  }
}

export interface McpApplication extends OAuthClientProvider {
  /** Where it sends its person's browser. */
  readonly asked: URL | undefined
  readonly client: OAuthClientInformationMixed | undefined
  readonly given: OAuthTokens | undefined
}

/** What an application keeps, in memory. */
export function mcpApplication({
  client,
  clientMetadataUrl,
  metadata = {},
}: {
  /** Registered before; undefined: it registers itself. */
  client?: OAuthClientInformationMixed
  clientMetadataUrl?: string
  metadata?: Partial<OAuthClientMetadata>
} = {}): McpApplication {
  const kept: {
    asked?: URL
    client?: OAuthClientInformationMixed
    tokens?: OAuthTokens
    verifier?: string
  } = client ? { client } : {}
  return {
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    redirectUrl: MCP_CALLBACK,
    clientMetadata: {
      client_name: 'Notes on the desktop',
      redirect_uris: [MCP_CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...metadata,
    },
    clientInformation: () => kept.client,
    saveClientInformation(information) {
      kept.client = information
    },
    tokens: () => kept.tokens,
    saveTokens(tokens) {
      kept.tokens = tokens
    },
    redirectToAuthorization(url) {
      kept.asked = url
    },
    saveCodeVerifier(verifier) {
      kept.verifier = verifier
    },
    codeVerifier: () => kept.verifier ?? '',
    get asked() {
      return kept.asked
    },
    get client() {
      return kept.client
    },
    get given() {
      return kept.tokens
    },
  }
}
