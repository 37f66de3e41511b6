// An API with two routes that takes every credential Latchkey knows. README.md says how to try it.
import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import Koa from 'koa'
import { createVerifier } from 'latchkey/verifier'
import { identityOf, requires } from 'latchkey/verifier/koa'

const {
  ISSUER = 'http://localhost:3000',
  RESOURCE = 'https://api.example.com',
  CLIENT_ID = 'billing',
  CLIENT_SECRET = 'another-long-secret-for-tests-0123456789',
  PORT = '8081',
  CACHE_SECONDS = '2',
  PROXY_ORIGIN,
} = process.env
const address = `http://127.0.0.1:${PORT}`
const isBehindProxy = PROXY_ORIGIN !== undefined // one that asks Latchkey: examples/forward-auth

const verifier = createVerifier({
  issuer: ISSUER,
  resource: RESOURCE, // the audience of the tokens it takes
  origin: PROXY_ORIGIN ?? address, // where callers think it is: DPoP proofs are made for this address
  forwardAuth: isBehindProxy, // who it is stands in X-Auth-Identity then, and nothing else counts
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  cacheSeconds: Number(CACHE_SECONDS), // how long Latchkey's answer about a key is good
})

const orders = [{ id: 1, item: 'A difference engine', by: 'nobody' }]
const routes = new Router()

routes.get('/orders', requires(verifier, { scopes: ['read:orders'] }), ctx => {
  const { answerHeaders: _, ...caller } = identityOf(ctx)
  ctx.body = { orders, caller }
})

// Somebody may have signed the body: then it has to be here before anybody is let in.
const bodies = new WeakMap()
const keepBody = (ctx, next) => {
  bodies.set(ctx.req, Buffer.from(ctx.request.rawBody ?? ''))
  return next()
}
const mayWrite = requires(verifier, { scopes: ['write:orders'], body: request => bodies.get(request) })

routes.post('/orders', bodyParser(), keepBody, mayWrite, ctx => {
  const { item } = ctx.request.body ?? {}
  if (typeof item !== 'string' || item === '') ctx.throw(400, 'An order has an item.')
  const order = { id: orders.length + 1, item, by: identityOf(ctx).subject.id }
  orders.push(order)
  ctx.status = 201
  ctx.body = order
})

new Koa()
  .use((ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    return next()
  })
  .use(routes.routes())
  .listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening ${address}/orders\n`))
