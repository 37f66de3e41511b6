// A person's browser without a screen: cookies, forms, redirects one at a time.
import { parse } from './html.ts'

export interface Page {
  readonly status: number
  readonly url: string
  readonly headers: Headers
  readonly text: string
  /** Where a redirect leads. */
  readonly location: string | undefined
}

export interface Agent {
  get(path: string): Promise<Page>
  /** Posts fields as a browser posts a form of the page at the same origin. */
  post(
    path: string,
    fields: Record<string, string | readonly string[]>,
    headers?: Record<string, string>,
  ): Promise<Page>
  /** Fills in and sends the form of `page` that has `button` (or the first), hidden fields included. */
  submit(
    page: Page,
    fields: Record<string, string | readonly string[]>,
    options?: { button?: string; action?: string },
  ): Promise<Page>
  /** Follows redirects on the issuer's origin; stops at the first page, or at a redirect that leaves. */
  follow(page: Page): Promise<Page>
  readonly cookies: Map<string, string>
}

export function createAgent(origin: string): Agent {
  /** name → value and path; good enough for one origin. */
  const jar = new Map<string, { value: string; path: string }>()

  const cookieHeader = (path: string) =>
    [...jar]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([key, cookie]) => `${key.split(';')[0]}=${cookie.value}`)
      .join('; ')

  function keep(header: string): void {
    const [pair = '', ...attributes] = header.split(';').map(part => part.trim())
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    const value = pair.slice(at + 1)
    const attribute = (wanted: string) =>
      attributes.find(one => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
    const path = attribute('path') ?? '/'
    const expires = attribute('expires')
    const key = `${name};${path}`
    if (value === '' || (expires && Date.parse(expires) < Date.now())) jar.delete(key)
    else jar.set(key, { value, path })
  }

  async function send(path: string, init: RequestInit): Promise<Page> {
    const url = new URL(path, origin)
    const headers = new Headers(init.headers)
    headers.set('accept', 'text/html')
    headers.set(
      'user-agent',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    )
    const cookie = cookieHeader(url.pathname)
    if (cookie !== '') headers.set('cookie', cookie)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const header of response.headers.getSetCookie()) keep(header)
    const location = response.headers.get('location')
    return {
      status: response.status,
      url: url.href,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, url).href,
    }
  }

  const agent: Agent = {
    get: path => send(path, { method: 'GET' }),

    post(path, fields, headers = {}) {
      const body = new URLSearchParams()
      for (const [name, value] of Object.entries(fields))
        for (const one of [value].flat()) body.append(name, one)
      return send(path, {
        method: 'POST',
        body,
        headers: { origin, 'sec-fetch-site': 'same-origin', ...headers },
      })
    },

    submit(page, fields, { button, action } = {}) {
      const form = parse(page.text).forms.find(
        one =>
          (button === undefined || one.buttons.includes(button)) &&
          (action === undefined || one.action === action),
      )
      if (!form)
        throw new Error(
          `no form with the button ${button ?? 'any'} on ${page.url}:\n${page.text.slice(0, 2000)}`,
        )
      return agent.post(new URL(form.action, page.url).href, { ...form.hidden, ...fields })
    },

    async follow(page) {
      let current = page
      while (current.location?.startsWith(`${origin}/`)) current = await agent.get(current.location)
      return current
    },

    get cookies() {
      return new Map([...jar].map(([key, { value }]) => [key.split(';')[0] ?? key, value]))
    },
  }
  return agent
}
