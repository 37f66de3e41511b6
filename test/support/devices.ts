// Devices without a browser (RFC 8628): what a device sends, and what the person does at the pages.
import type { Agent, Page } from './agent.ts'
import { type FlowClient, protocolPost, type TokenResponse } from './authorization.ts'
import { parse } from './html.ts'
import { ORDERS, ordersFile, PASSWORD, STOCK } from './orders.ts'

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** Public, on a television; may refresh. */
export const television = {
  client_id: 'orders-tv',
  client_name: 'Orders on television',
  organization: 'acme',
  application_type: 'native',
  grant_types: [DEVICE_GRANT, 'refresh_token'],
  token_endpoint_auth_method: 'none',
  resource_scopes: { [ORDERS]: ['read:orders', 'write:orders', 'admin:orders'] },
  default_scope: 'openid read:orders',
}

/** Confidential, the operator's own, without refresh tokens; two resources. */
export const kiosk = {
  client_id: 'kiosk',
  client_name: 'Kiosk at the door',
  client_secret: 'kiosk-secret-for-tests-only-0123456789abcdef',
  grant_types: [DEVICE_GRANT],
  require_consent: false,
  resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
}

export const devicesFile = { ...ordersFile, clients: [...ordersFile.clients, television, kiosk] }

export interface DeviceCodes {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

export async function askForCodes(
  issuer: string,
  client: FlowClient = television,
  params: Record<string, string | string[]> = {},
): Promise<DeviceCodes> {
  const { status, body } = await protocolPost(issuer, '/device_authorization', client, params)
  if (status !== 200) throw new Error(`no device code but ${status}: ${JSON.stringify(body)}`)
  return body as unknown as DeviceCodes
}

export function poll(
  issuer: string,
  deviceCode: string,
  client: FlowClient = television,
  params: Record<string, string> = {},
): Promise<TokenResponse> {
  return protocolPost(issuer, '/token', client, {
    grant_type: DEVICE_GRANT,
    device_code: deviceCode,
    ...params,
  })
}

const hasButton = (page: Page, button: string) =>
  parse(page.text).forms.some(({ buttons }) => buttons.includes(button))

/** The page where the code is entered, signed in. */
export async function openDevicePage(agent: Agent, username = 'ada', path = '/device'): Promise<Page> {
  const page = await agent.follow(await agent.get(path))
  if (!hasButton(page, 'Sign in')) return page
  return agent.follow(await agent.submit(page, { username, password: PASSWORD }, { button: 'Sign in' }))
}

/** Enters the code, and gives what comes of it: the question, or the form again. */
export async function enterCode(agent: Agent, userCode: string, username = 'ada'): Promise<Page> {
  const page = await openDevicePage(agent, username)
  return agent.follow(await agent.submit(page, { user_code: userCode }, { button: 'Continue' }))
}

/** Answers the question. @param untick scopes to leave out */
export async function decide(
  agent: Agent,
  question: Page,
  decision: 'allow' | 'deny',
  untick: readonly string[] = [],
): Promise<Page> {
  const form = parse(question.text).forms.find(({ buttons }) => buttons.includes('Deny'))
  if (!form) throw new Error(`there is nothing to decide at ${question.url}:\n${parse(question.text).text}`)
  const ticked = form.checkboxes.map(({ value }) => value).filter(value => !untick.includes(value))
  const scope = [form.hidden.scope ?? [], ticked].flat()
  return agent.follow(await agent.submit(question, { decision, scope }, { button: 'Deny' }))
}
