/** The floor: node:http that answers one small JSON document. */
import { createServer } from 'node:http'
import { reportPort } from './report.ts'

const body = Buffer.from(JSON.stringify({ hello: 'world', active: true }))

reportPort(
  createServer((req, res) => {
    req.resume()
    req.on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      res.end(body)
    })
  }),
)
