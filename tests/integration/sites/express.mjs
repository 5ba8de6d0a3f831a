// As much of Express 5 as the example uses, over Node's own server, on a free port: Express itself is 65 packages.
import { createServer } from "node:http";

const routes = new Map();

function extended(response) {
  response.locals = {};
  response.set = (name, value) => response.setHeader(name, value) && response;
  response.send = (html) => response.setHeader("Content-Type", "text/html; charset=utf-8") && response.end(html);
  response.json = (body) => response.setHeader("Content-Type", "application/json") && response.end(JSON.stringify(body));
  response.sendStatus = (status) => response.writeHead(status).end(String(status));
  return response;
}

async function run([handler, ...rest], request, response) {
  await handler(request, response, () => run(rest, request, response));
}

export const app = { get: (path, ...handlers) => routes.set(path, handlers) };

const server = createServer((request, response) => {
  const handlers = routes.get(request.url) ?? [(_, unknown) => unknown.sendStatus(404)];
  run(handlers, request, extended(response)).catch((error) => {
    console.error(error);
    response.sendStatus(500);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
