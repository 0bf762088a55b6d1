// Lets the unmodified scan() of MDN's HTTP Observatory judge a server on this
// machine. scan() takes a host name and goes to its ports 80 and 443; here the
// connections end at the ports of the first argument instead, whatever the name.
// The certificate is checked as ever: NODE_EXTRA_CA_CERTS names who signed it.
import net from "node:net";
import { writeFileSync } from "node:fs";
import axios from "axios";

const { target, accept, ports } = JSON.parse(process.argv[2]);

// The package fetches Chromium's preload list when it is installed. An empty
// one gives no credit for being preloaded.
writeFileSync("node_modules/@mdn/mdn-http-observatory/conf/hsts-preload.json", "{}");

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  const port = ports[options?.port];
  if (port === undefined) throw new Error(`the observatory connects to port ${options?.port}`);
  Object.assign(options, { host: "127.0.0.1", port });
  return connect.apply(this, args);
};

// scan() asks for HTML first. An API is asked for what it speaks.
if (accept) {
  const create = axios.create;
  axios.create = (config) => {
    const client = create(config);
    client.interceptors.request.use((request) => {
      request.headers.set("Accept", accept);
      return request;
    });
    return client;
  };
}

const { scan } = await import("@mdn/mdn-http-observatory");
const { scan: verdict, tests } = await scan(target);
const results = Object.fromEntries(
  Object.entries(tests).map(([name, t]) => [name, { result: t.result, pass: t.pass, score: t.scoreModifier }]),
);
console.log(JSON.stringify({
  score: verdict.score,
  grade: verdict.grade,
  status: verdict.statusCode,
  type: verdict.responseHeaders["content-type"],
  tests: results,
}));
process.exit(0); // the cookie agents keep connections open
