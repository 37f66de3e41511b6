// Canaries: every secret that went over the wire, and the search for them in every form in which they might be kept.

/** Under which name it was seen; the value itself is never printed. */
export interface Canaries {
  add(name: string, value: string | Buffer | null | undefined): void
  readonly names: ReadonlySet<string>
  /** Those that are in `text`, each with the first form it was found in. */
  findIn(text: string): string[]
  /** From now on everything that `fetch` sends and receives is looked through. @returns ends it */
  watchFetch(): () => void
}

/** Shorter values would be found by chance. */
const LEAST = 8

const SECRET_FIELDS =
  /^(password|client_secret|code|code_verifier|device_code|user_code|refresh_token|access_token|id_token|id_token_hint|token|registration_access_token|secret|csrf|xsrf)$/

export function createCanaries(): Canaries {
  const values = new Map<string, string>()
  const bytes = new Map<string, string>()
  const names = new Set<string>()

  const add: Canaries['add'] = (name, value) => {
    if (value === null || value === undefined || value.length < LEAST) return
    names.add(name)
    if (Buffer.isBuffer(value)) bytes.set(value.toString('hex'), name)
    else values.set(value, name)
  }

  const addAll = (where: string, fields: Iterable<[string, unknown]>) => {
    for (const [name, value] of fields)
      if (SECRET_FIELDS.test(name) && typeof value === 'string') add(`${name} ${where}`, value)
  }

  /** Redirects carry secrets in queries, and in the last part of paths made for one interaction. */
  const addUrl = (where: string, text: string, base: string) => {
    const url = new URL(text, base)
    addAll(where, url.searchParams)
    add(`interaction ${where}`, /^\/(?:interaction|authorize)\/([\w-]+)/.exec(url.pathname)?.[1])
  }

  function addRequest(request: Request, body: string) {
    addUrl('in a request', request.url, request.url)
    addAll('sent', new URLSearchParams(body))
    const [, scheme, credentials = ''] = /^(\w+) (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    add('credentials sent', credentials)
    if (scheme === 'Basic') {
      const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(':')
      add('client_secret sent', decodeURIComponent(secret))
    }
  }

  function addResponse(response: Response, text: string) {
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      add(`cookie ${pair.slice(0, at)}`, pair.slice(at + 1))
    }
    const location = response.headers.get('location')
    if (location !== null) addUrl('in a redirect', location, response.url)
    if (response.headers.get('content-type')?.includes('json'))
      addAll('received', Object.entries(JSON.parse(text) ?? {}))
    for (const [input] of text.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1] ?? ''
      addAll('in a page', [[name, /value="([^"]*)"/.exec(input)?.[1]]])
    }
  }

  return {
    add,
    names,
    findIn(text) {
      const lower = text.toLowerCase()
      const found = (name: string, forms: Record<string, readonly string[]>) => {
        const first = Object.entries(forms).find(([, all]) =>
          all.some(one => text.includes(one) || (isHex(one) && lower.includes(one))),
        )
        return first ? [`${name} (${first[0]})`] : []
      }
      return [
        ...[...values].flatMap(([value, name]) =>
          found(name, { ...textForms(value), ...decodedForms(value) }),
        ),
        ...[...bytes].flatMap(([hex, name]) => found(name, bytesForms(Buffer.from(hex, 'hex')))),
      ]
    },
    watchFetch() {
      const { fetch } = globalThis
      globalThis.fetch = async (input, init) => {
        const request = new Request(input, init)
        addRequest(request, await request.clone().text())
        const response = await fetch(input, init)
        addResponse(response, await response.clone().text())
        return response
      }
      return () => {
        globalThis.fetch = fetch
      }
    },
  }
}

const isHex = (text: string) => /^[0-9a-f]+$/.test(text)

function textForms(value: string): Record<string, readonly string[]> {
  const json = JSON.stringify(value).slice(1, -1)
  // COPY doubles every backslash.
  return {
    raw: [value],
    json: [json, json.replaceAll('\\', '\\\\')],
    url: [encodeURIComponent(value)],
    ...bytesForms(Buffer.from(value)),
  }
}

/** What a token means as bytes, when it is base64url or hex. */
function decodedForms(value: string): Record<string, readonly string[]> {
  const decoded = [
    /^[\w-]+$/.test(value) && Buffer.from(value, 'base64url'),
    /^([0-9a-f]{2})+$/i.test(value) && Buffer.from(value, 'hex'),
  ].filter(bytes => bytes !== false && bytes.length >= LEAST)
  const forms = decoded.map(bytes => bytesForms(bytes as Buffer))
  return Object.fromEntries(
    ['hex', 'base64', 'base64url'].map(form => [`decoded, ${form}`, forms.flatMap(all => all[form] ?? [])]),
  )
}

function bytesForms(bytes: Buffer): Record<string, readonly string[]> {
  const base64 = [0, 1, 2].map(shift => base64Within(bytes, shift))
  return {
    hex: [bytes.toString('hex')],
    base64,
    base64url: base64.map(text => text.replaceAll('+', '-').replaceAll('/', '_')),
  }
}

/** What the bytes look like inside of longer base64, when they begin `shift` bytes after a group of three. */
function base64Within(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replaceAll('=', '')
  const bits = (shift + bytes.length) * 8
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(bits / 6))
}
