// An API with two routes that takes every credential Latchkey knows. README.md says how to try it.
import { createServer } from 'node:http'
import { createDoor, Unavailable } from './who-is-calling.mjs'

const {
  ISSUER = 'http://localhost:3000',
  RESOURCE = 'https://api.example.com',
  CLIENT_ID = 'billing',
  CLIENT_SECRET = 'another-long-secret-for-tests-0123456789',
  PORT = '8081',
} = process.env
const origin = `http://127.0.0.1:${PORT}`
const MOST_CHARACTERS = 64 * 1024
const JSON_HEADERS = [
  ['Content-Type', 'application/json'],
  ['Cache-Control', 'no-store'],
]

const decide = createDoor({
  issuer: ISSUER,
  resource: RESOURCE,
  origin,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
})

const orders = [{ id: 1, item: 'A difference engine', by: 'nobody' }]

const routes = {
  'GET /orders': { scopes: ['read:orders'], answer: list },
  'POST /orders': { scopes: ['write:orders'], answer: create },
}

function list(_request, identity) {
  return { status: 200, body: { orders, caller: identity } }
}

async function create(request, identity) {
  const { item } = await readJson(request)
  if (typeof item !== 'string' || item === '')
    return problem(400, 'validation_failed', 'An order has an item.')
  const order = { id: orders.length + 1, item, by: identity.subject.id }
  orders.push(order)
  return { status: 201, body: order }
}

async function answer(request) {
  const [path] = request.url.split('?')
  const route = routes[`${request.method} ${path}`]
  if (!route) return problem(404, 'not_found', 'There is nothing here.')
  const decision = await decide(request, route.scopes)
  if (decision.allowed !== true) return decision.response
  const made = await route.answer(request, decision.identity)
  // `headers`: what the caller should know about its credential, such as that it expires soon.
  return { ...made, headers: [...(made.headers ?? JSON_HEADERS), ...(decision.headers ?? [])] }
}

function problem(status, code, detail, headers = []) {
  const body = { type: 'about:blank', title: code, status, detail, code }
  return { status, headers: [['Content-Type', 'application/problem+json'], ...headers], body }
}

/** An empty object for what is no JSON object. */
async function readJson(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MOST_CHARACTERS) return {}
  }
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function failed(error) {
  process.stderr.write(`${error.stack}\n`)
  return error instanceof Unavailable
    ? problem(503, 'temporarily_unavailable', 'Try again.', [['Retry-After', '1']])
    : problem(500, 'server_error', 'Something went wrong.')
}

createServer(async (request, response) => {
  const { status, headers, body } = await answer(request).catch(failed)
  const text = JSON.stringify(body)
  response.writeHead(status, [...headers, ['Content-Length', Buffer.byteLength(text)]].flat())
  response.end(text)
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening ${origin}/orders\n`))
