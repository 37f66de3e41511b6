// Requests as the wire has them, to be asked of whichever node: for what a browser or `fetch` cannot send to the second.
import type { Answer, Question } from '../http/ground.ts'
import type { Agent, Page } from './agent.ts'
import type { FlowClient } from './authorization.ts'
import { type HtmlForm, parse } from './html.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token?: string
}

/** How many answers had each status. */
export const statuses = (answers: readonly Answer[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, group]) => [status, group.length]),
  )

/** What a token answer holds; a test that expected a success is told what came instead. */
export function tokenFrom(answer: Answer | undefined): Tokens {
  if (answer?.status !== 200) throw new Error(`no tokens but ${answer?.status}: ${answer?.text}`)
  return answer.json() as unknown as Tokens
}

/** A form posted to a protocol endpoint with the client's authentication. @param headers more of them */
export function form(
  path: string,
  client: FlowClient,
  params: Record<string, string>,
  headers: Record<string, string> = {},
): Question {
  const body = new URLSearchParams(params)
  const { client_id, client_secret } = client
  if (client_secret === undefined) body.set('client_id', client_id)
  const basic = btoa(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret ?? '')}`)
  return {
    method: 'POST',
    path,
    headers: { ...FORM, ...(client_secret !== undefined && { authorization: `Basic ${basic}` }), ...headers },
    body: String(body),
  }
}

export async function introspect(
  node: { ask(question: Question): Promise<Answer> },
  client: FlowClient,
  token: string,
): Promise<Record<string, unknown>> {
  const answer = await node.ask(form('/introspect', client, { token }))
  if (answer.status !== 200) throw new Error(`introspection answered ${answer.status}: ${answer.text}`)
  return answer.json()
}

/** A form of one of our pages, posted with the browser's cookies as they are now. */
export function postAs(
  issuer: string,
  browser: Agent,
  action: string,
  fields: Record<string, string>,
): Question {
  const { pathname, search } = new URL(action, issuer)
  return {
    method: 'POST',
    path: pathname + search,
    headers: {
      ...FORM,
      accept: 'text/html',
      origin: issuer,
      'sec-fetch-site': 'same-origin',
      cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    },
    body: String(new URLSearchParams(fields)),
  }
}

/** The form of a page that has `button`, or the first. */
export function formOf(page: Page, button?: string): HtmlForm {
  const found = parse(page.text).forms.find(one => button === undefined || one.buttons.includes(button))
  if (!found) throw new Error(`no form with the button ${button ?? 'any'} on ${page.url}`)
  return found
}
