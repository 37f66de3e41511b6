/** A bare Koa that answers the same as hello. */
import { createServer } from 'node:http'
import Koa from 'koa'
import { reportPort } from './report.ts'

const app = new Koa()
app.use(ctx => {
  ctx.body = { hello: 'world', active: true }
})
reportPort(createServer(app.callback()))
