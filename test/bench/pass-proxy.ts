import { Agent, createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { createProxyMiddleware } from 'http-proxy-middleware'

/** http-proxy-middleware alone: what most would put in front of an API on Node, with its connections kept. */
const { values } = parseArgs({ options: { port: { type: 'string' }, upstream: { type: 'string', default: '' } } })
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
const proxy = createProxyMiddleware({ target: values.upstream, agent })

const server = createServer((request, response) => {
  void proxy(request, response, () => response.writeHead(404).end())
})
server.keepAliveTimeout = 0
server.listen(Number(values.port), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
